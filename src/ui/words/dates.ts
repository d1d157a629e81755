/**
 * Times as people write them in the window's language.
 *
 * Holds: every time shown is the reader's local time, made by Intl; an unreadable one is shown as nothing.
 */
import { now } from '../primitives/now.ts'
import { locale } from './words.ts'

const DAY_MS = 86_400_000

type Style = Intl.DateTimeFormatOptions
const formats = new Map<string, Intl.DateTimeFormat>()

function format(date: Date, style: Style): string {
  if (Number.isNaN(date.getTime())) return ''
  const key = locale() + JSON.stringify(style)
  const made = formats.get(key) ?? new Intl.DateTimeFormat(locale(), style)
  formats.set(key, made)
  return made.format(date)
}

const startOfDay = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()

/** Whole days from the day of `date` to today, 0 today; rounded, because a day of clock change is not 24 hours. */
const daysAgo = (date: Date): number => Math.round((startOfDay(new Date(now())) - startOfDay(date)) / DAY_MS)

/** A string that is the same for two times on one local day. */
export const dayOf = (iso: string): string => new Date(iso).toDateString()

/** `11:38`. */
export const clock = (iso: string): string => format(new Date(iso), { hour: '2-digit', minute: '2-digit' })

const capital = (text: string): string => text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1)

/** `Today`, `Yesterday`, `Friday 20 November`. */
export function day(iso: string): string {
  const date = new Date(iso)
  const ago = daysAgo(date)
  if (ago === 0 || ago === 1)
    return capital(new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(-ago, 'day'))
  const year = date.getFullYear() === new Date(now()).getFullYear() ? {} : { year: 'numeric' as const }
  return capital(format(date, { weekday: 'long', day: 'numeric', month: 'long', ...year }))
}

/** As short as it stays clear: a time today, a weekday this week, else a date. */
export function brief(iso: string): string {
  const date = new Date(iso)
  const ago = daysAgo(date)
  if (ago === 0) return clock(iso)
  if (ago > 0 && ago < 7) return format(date, { weekday: 'short' })
  return format(date, { day: 'numeric', month: 'short', ...(ago > 300 ? { year: 'numeric' } : {}) })
}

/** A time today, a date and time before. */
export function moment(iso: string): string {
  const date = new Date(iso)
  return daysAgo(date) === 0
    ? clock(iso)
    : format(date, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
}

/** `29 November`. */
export const date = (iso: string): string => format(new Date(iso), { day: 'numeric', month: 'long' })

/** `4:05` for 245 seconds. */
export const countdown = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

/** `68 MB`. */
export function bytes(count: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)))
  const unit = units[step] ?? 'byte'
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(count / 1000 ** step)
}
