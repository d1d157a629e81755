/**
 * The one error that a caller of NodeApi is meant to see.
 */
import type { ApiErrorData, ErrorCode } from './api.ts'

/** A call that was refused: `message` is one sentence that says what happened and what to do. */
export class ApiError extends Error implements ApiErrorData {
  override name = 'ApiError'
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
