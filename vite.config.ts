/**
 * Builds the app window: src/ui → dist/ui, served by the local door under a policy without `unsafe-*`.
 *
 * Holds: nothing is inlined (no script, style or asset in a page or a data URL), and the page's first script is a
 * Trusted Types default policy that lets through the templates Solid compiled out of our own source and nothing else.
 */
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import solid from 'vite-plugin-solid'

interface SyntaxNode {
  readonly type: string
  readonly [key: string]: unknown
}

const isSyntaxNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

/** Calls `found` with the text of every `_$template(…)` call below `node`; throws on one that is not a constant. */
function eachTemplate(node: unknown, found: (html: string) => void): void {
  if (Array.isArray(node)) for (const child of node) eachTemplate(child, found)
  if (!isSyntaxNode(node)) return
  const callee = node.callee
  if (node.type === 'CallExpression' && isSyntaxNode(callee) && callee.name === '_$template') {
    const [first] = Array.isArray(node.arguments) ? node.arguments : []
    const quasis = isSyntaxNode(first) && first.type === 'TemplateLiteral' ? first.quasis : undefined
    const cooked = Array.isArray(quasis) && quasis.length === 1 ? quasis[0]?.value?.cooked : undefined
    if (typeof cooked !== 'string')
      throw new Error('a Solid template that is not a constant: the policy cannot list it')
    found(cooked)
  }
  for (const key of Object.keys(node)) eachTemplate(node[key], found)
}

/** The script that becomes the page's default policy. */
const policy = (templates: readonly string[]): string => `(() => {
  const templates = new Set(${JSON.stringify(templates).replaceAll('<', '\\u003c')})
  if (self.trustedTypes) trustedTypes.createPolicy('default', {
    createHTML: html => {
      if (templates.has(html)) return html
      throw new TypeError('not one of the compiled templates')
    },
  })
})()
`

/** Collects the compiled templates and emits the policy as the first script of the page. */
function trustedTemplates(): Plugin {
  const templates = new Set<string>()
  let file = ''
  return {
    name: 'trusted-templates',
    enforce: 'post',
    apply: 'build',
    transform(code, id) {
      if (!code.includes('_$template(')) return
      eachTemplate(this.parse(code, { lang: id.endsWith('.tsx') ? 'tsx' : 'js' }), (html) => templates.add(html))
    },
    renderStart() {
      const source = policy([...templates].sort())
      file = `assets/policy-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`
      this.emitFile({ type: 'asset', fileName: file, source })
    },
    transformIndexHtml: {
      order: 'post',
      handler: () => [{ tag: 'script', attrs: { src: `/${file}` }, injectTo: 'head-prepend' }],
    },
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('./src/ui', import.meta.url)),
  plugins: [solid(), trustedTemplates()],
  build: {
    outDir: fileURLToPath(new URL('./dist/ui', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
