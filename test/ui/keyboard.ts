/**
 * Going about a window without a mouse.
 */
import type { Page } from 'playwright-core'

/** Presses Tab until what has the focus is called `name`; fails with all that it went over. */
export async function tabTo(page: Page, name: string | RegExp, most = 80): Promise<void> {
  const names: string[] = []
  for (let presses = 0; presses < most; presses++) {
    const now = await page.evaluate(() => {
      const element = document.activeElement === document.body ? null : document.activeElement
      const label = element?.id ? document.querySelector(`label[for="${element.id}"]`)?.textContent : ''
      const text = element?.getAttribute('aria-label') || label || element?.textContent || ''
      return text.replace(/[\u2068\u2069]/g, '').trim()
    })
    names.push(now)
    if (typeof name === 'string' ? now === name : name.test(now)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never reached ${name}; it went over ${JSON.stringify(names)}`)
}
