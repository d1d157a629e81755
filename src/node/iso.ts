/** Dates as the API tells them, ISO 8601; those beyond what a calendar can say come from remote clocks, and are told as the nearest that it can. */
export const iso = (at: number): string => new Date(Math.max(0, Math.min(at, 253402300799999))).toISOString()
