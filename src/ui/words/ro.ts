import { en, type Words } from './en.ts'
export const ro: Words = en
