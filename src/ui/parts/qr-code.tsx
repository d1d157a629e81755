/** A QR code as one path: no picture, no markup made from text. */
import encodeQR from 'qr'
import { createMemo } from 'solid-js'

/** Quiet zone around the code that scanners need, in modules (ISO/IEC 18004). */
const QUIET = 4

export const QrCode = (props: { text: string; label: string }) => {
  const rows = createMemo(() => encodeQR(props.text, 'raw', { ecc: 'low', border: QUIET }))
  const path = () =>
    rows()
      .map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')).join(''))
      .join('')
  return (
    <div class="qr">
      <svg viewBox={`0 0 ${rows().length} ${rows().length}`} role="img" aria-label={props.label}>
        <path d={path()} />
      </svg>
    </div>
  )
}
