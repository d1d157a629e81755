/**
 * Reads a QR code from the camera or from a picture. The reader is loaded when it is first needed, from our own origin.
 *
 * Holds: the camera runs only while the dialog is open; no frame leaves this page.
 */
import { createSignal, onCleanup, onMount, Show } from 'solid-js'
import { useWords } from '../words/words.ts'
import { Dialog, Trouble } from './dialog.tsx'

/** Between two looks at the camera: fast enough to feel at once, slow enough for a weak machine. */
const LOOK_MS = 200

type Problem = 'denied' | 'noCamera' | 'noReader' | 'noCode'

const loadReader = () => import('../primitives/read-code.ts')

export function Scanner(props: { onFound: (text: string) => void; onClose: () => void }) {
  const t = useWords()
  const [problem, setProblem] = createSignal<Problem | null>(null)
  const [live, setLive] = createSignal(false)
  let video: HTMLVideoElement | undefined
  let stream: MediaStream | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let closed = false

  async function look(): Promise<void> {
    if (closed || !video) return
    const { readCode } = await loadReader()
    const canvas = new OffscreenCanvas(video.videoWidth || 1, video.videoHeight || 1)
    const context = canvas.getContext('2d', { willReadFrequently: true })
    context?.drawImage(video, 0, 0)
    const pixels = context?.getImageData(0, 0, canvas.width, canvas.height)
    const text = pixels ? await readCode(pixels) : null
    if (closed) return
    if (text !== null) return props.onFound(text)
    timer = setTimeout(() => void look().catch(() => setProblem('noReader')), LOOK_MS)
  }

  async function start(): Promise<void> {
    const camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
    if (closed || !video) {
      for (const track of camera.getTracks()) track.stop()
      return
    }
    stream = camera
    video.srcObject = camera
    await video.play()
    setLive(true)
    await look().catch(() => setProblem('noReader'))
  }

  async function readFile(file: File | undefined): Promise<void> {
    if (!file) return
    setProblem(null)
    try {
      const { readCode } = await loadReader()
      const text = await readCode(file)
      if (closed) return
      if (text === null) setProblem('noCode')
      else props.onFound(text)
    } catch {
      setProblem('noReader')
    }
  }

  onMount(() => {
    start().catch((error: unknown) => {
      setProblem(error instanceof DOMException && error.name === 'NotAllowedError' ? 'denied' : 'noCamera')
    })
  })
  onCleanup(() => {
    closed = true
    clearTimeout(timer)
    for (const track of stream?.getTracks() ?? []) track.stop()
  })

  return (
    <Dialog title={t().scan.title} onClose={props.onClose}>
      <video ref={video} class="camera" classList={{ live: live() }} aria-label={t().scan.preview} playsinline muted />
      <Show when={!problem()}>
        <p role="status">{live() ? t().scan.aim : t().scan.starting}</p>
      </Show>
      <Trouble text={problem() && t().scan[problem() ?? 'noCode']} />
      <div class="acts">
        <button class="btn" type="button" data-first onClick={() => props.onClose()}>
          {t().app.cancel}
        </button>
        <label class="btn filebtn">
          {t().scan.file}
          <input
            type="file"
            accept="image/*"
            class="hidden"
            onChange={(event) => void readFile(event.currentTarget.files?.[0])}
          />
        </label>
      </div>
    </Dialog>
  )
}
