/**
 * Only draws what `npm run bench -- delivery` measured: the tables of docs/delivery.md and the picture from docs/pictures/delivery.json.
 *
 *     node scripts/run.cjs install -- scripts/delivery.ts
 */
import { readFigures, writeReport } from './bench/delivery/report.ts'

writeReport(readFigures())
