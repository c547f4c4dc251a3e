/** One sentence about each finished step of the whole way, for the demo. */

import type { GrpoResult } from '../../trainer/grpo/grpo.ts';
import type { TrainResult } from '../../trainer/training/train.ts';
import type { StepDone } from '../ablate/whole-way.ts';
import type { FilterResult } from '../jobs/filter-corpus.ts';
import type { MixResult } from '../stages/mix.ts';
import { percent } from './write-result.ts';

export function describeStep({ step, seconds, result }: StepDone): string {
  const took = `${seconds.toFixed(0)} s`;
  if (step === 'filter') {
    const { ledger, signals } = (result as FilterResult).summary;
    const reasons = Object.entries(ledger.dropped)
      .sort((a, b) => b[1] - a[1])
      .slice(0, 3)
      .map(([reason, n]) => `${reason} ${n}`);
    const failed = Object.values(ledger.failed).reduce((a, b) => a + b, 0);
    return `filter (${took}): ${ledger.in} pages, ${ledger.kept} kept${failed > 0 ? `, ${failed} could not be read` : ''}; most were dropped for ${reasons.join(', ')}${mathematics(signals)}`;
  }
  if (step === 'mix stable' || step === 'mix decay') {
    const { manifest } = result as MixResult;
    const shares = manifest.sources.map((s) => `${s.name} ${percent(s.achievedShare)}`);
    return `${step} (${took}): ${manifest.totalTokens} tokens: ${shares.join(', ')}`;
  }
  if (step === 'grpo') {
    const { startAccuracy, endAccuracy } = result as GrpoResult;
    return `GRPO (${took}): held-out accuracy ${percent(startAccuracy)} -> ${percent(endAccuracy)}`;
  }
  const { tokens, finalLoss, finalEvalLoss } = result as TrainResult;
  return `train ${step} (${took}): ${tokens} tokens, loss ${finalLoss.toFixed(3)}${finalEvalLoss === undefined ? '' : `, held-out loss ${finalEvalLoss.toFixed(3)}`}`;
}

/** What the bundled classifier says of the kept pages. */
function mathematics(signals: FilterResult['summary']['signals']): string {
  const histogram = signals['classifier.math']?.histogram;
  if (histogram === undefined) return '';
  const found = histogram.keptCounts.reduce((sum, n, i) => sum + (histogram.edges[i]! >= 0.5 ? n : 0), 0);
  return `; the bundled classifier takes ${found} of the kept ones for mathematics`;
}
