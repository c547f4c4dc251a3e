/** The thread of `classify score`. Started by local-pool.ts from source or from dist. */
import { type ScoreTask, scoreUnit } from '../stages/classify-score.ts';
import { serveUnits } from '../stages/serve-units.ts';

serveUnits((payload, progress, skip) => scoreUnit(payload as ScoreTask, progress, skip));
