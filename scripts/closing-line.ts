/**
 * The last line of every test run: `N passed, N failed`, then `, N skipped` where some were, each skipped one named before it.
 *
 * Holds: it is written when the process ends, so nothing comes after it; a file that could not be loaded and an error outside
 * a test count as failed; a run in which no test ran fails.
 */
import { writeSync } from 'node:fs'
import type { Reporter } from 'vitest/node'

export class ClosingLine implements Reporter {
  #line = '0 passed, 0 failed'
  #skipped: string[] = []
  #ended = false

  onInit(): void {
    process.on('exit', () => this.#write())
  }

  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules, unhandledErrors) => {
    let passed = 0
    let failed = unhandledErrors.length
    this.#skipped = []
    for (const module of modules) {
      failed += module.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed += 1
        else if (state === 'skipped') this.#skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
        else failed += 1
      }
      for (const suite of module.children.allSuites()) failed += suite.errors().length
    }
    const skipped = this.#skipped.length === 0 ? '' : `, ${this.#skipped.length} skipped`
    this.#line = `${passed} passed, ${failed} failed${skipped}`
    this.#ended = true
    if (passed === 0 || failed > 0) process.exitCode = 1
  }

  #write(): void {
    if (!this.#ended) process.exitCode ||= 1
    const lines = [...this.#skipped.map((name) => `skipped: ${name}`), this.#line]
    writeSync(1, `${lines.join('\n')}\n`)
  }
}
