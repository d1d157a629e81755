// What the store uses of WebAssembly (the compiler's Node.js library does not declare it), and the package's module.
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: string
  }
  interface Instance {
    readonly exports: Record<string, unknown>
  }
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>
  function instantiate(module: Module, imports: object): Promise<Instance>
}
declare module '@journeyapps/wa-sqlite/dist/mc-wa-sqlite.mjs' {
  // biome-ignore lint/style/noDefaultExport: the package exports it so.
  export default function createModule(options: object): Promise<unknown>
}
