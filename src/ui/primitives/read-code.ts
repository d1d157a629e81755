/** The QR reader: zxing compiled to WebAssembly, fetched as a file of our own origin. */
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url'

prepareZXingModule({ overrides: { locateFile: () => wasm } })

/** The text of the QR code in the picture; `null` if there is none that can be read. Rejects if the reader cannot be loaded. */
export async function readCode(picture: Blob | ImageData): Promise<string | null> {
  const [found] = await readBarcodes(picture, { formats: ['QRCode'], tryHarder: true, maxNumberOfSymbols: 1 })
  return found?.isValid ? found.text : null
}
