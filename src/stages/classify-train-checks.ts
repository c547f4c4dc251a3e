/** What `classify train` says of a split and of what came of it: one class alone, nothing to measure out of distribution, a model that learnt nothing. */
import { UserError } from '../core/errors.ts';
import type { DocumentTally } from './classify-documents.ts';
import { oneClassHint } from './classify-label-advice.ts';
import type { LabelledPlan } from './classify-labelled.ts';
import type { SplitOptions, SplitPlan } from './classify-plan-split.ts';

/** Throws a `UserError` where a class has no document to train on. */
export function assertTrainable(
  { totals }: SplitPlan,
  { ledger }: DocumentTally,
  { seen, request }: LabelledPlan,
): void {
  const of = totals.train;
  if (of.positive > 0 && of.negative > 0) return;
  const missing = of.positive === 0 ? 'positive' : 'negative';
  const all = { positive: 0, negative: 0 };
  for (const fate of Object.values(totals))
    for (const label of ['positive', 'negative'] as const) all[label] += fate[label];
  const left = Object.entries({ ...ledger.dropped, ...ledger.failed }).map(([reason, n]) => `${n} ${reason}`);
  const labelled = all.positive + all.negative;
  const notTaken = left.length === 0 ? '' : ` (not taken: ${left.join(', ')})`;
  if (labelled === 0)
    throw new UserError(`none of the ${ledger.in} documents has a text and a label${notTaken}`, {
      hint: oneClassHint(seen, request),
    });
  const conflicts = totals.conflict.positive + totals.conflict.negative;
  const bothLabels = conflicts === 0 ? '' : `, ${conflicts} have a text that bears both labels`;
  throw new UserError(
    `no ${missing} document is left to train on: of ${labelled} labelled documents ${all.positive} are positive${bothLabels}${notTaken}`,
    {
      hint:
        all[missing] === 0
          ? oneClassHint(seen, request)
          : conflicts > 0
            ? 'mend the labels of equal texts, or give more documents'
            : 'hold out less: --held-out 0.1, --held-out-sources-share 0',
    },
  );
}

const classes = ['positive', 'negative'] as const;

export function splitWarnings(
  { totals, counts, heldOutSources }: SplitPlan,
  { heldOutSourceShare, heldOutSources: named }: SplitOptions,
): string[] {
  const sum = ({ positive, negative }: { positive: number; negative: number }): number => positive + negative;
  const documents = (n: number, one: string, many: string): string =>
    n === 1 ? `1 document ${one}` : `${n} documents ${many}`;
  const warnings: string[] = [];
  const { duplicate, conflict } = totals;
  if (sum(duplicate) > 0)
    warnings.push(
      `${documents(sum(duplicate), 'has the text of another and was', 'have the text of another and were')} left out`,
    );
  if (sum(conflict) > 0)
    warnings.push(
      `${documents(sum(conflict), 'has a text that bears both labels and was', 'have a text that bears both labels and were')} left out`,
    );
  const wanted = named.length > 0 || heldOutSourceShare > 0;
  for (const label of classes) {
    const [out, train] = [totals.out[label], totals.train[label]];
    if (out > train)
      warnings.push(
        `the sources held out have ${out} ${label} documents, more than the ${train} that are trained on; name others with --held-out-sources, or hold out fewer`,
      );
    if (wanted && out === 0) {
      const [source, most] = largestSource(counts, label);
      const why =
        named.length > 0
          ? ''
          : `: ${most} of ${train + totals.in[label]} are of the source ${source}, which is trained on`;
      warnings.push(
        `no ${label} document is of a source that is held out${why}; how these do out of distribution is not measured${heldOutSources.length > 0 || named.length > 0 ? '' : ' (--source-by site may give more sources)'}`,
      );
    }
  }
  return warnings;
}

/** The source with most documents of a class among those not held out. */
function largestSource(counts: SplitPlan['counts'], label: 'positive' | 'negative'): [string, number] {
  let best: [string, number] = ['', 0];
  for (const [source, { train, in: inside }] of Object.entries(counts)) {
    const n = (train?.[label] ?? 0) + (inside?.[label] ?? 0);
    if (n > best[1]) best = [source, n];
  }
  return best;
}

/** A mean loss near the entropy of the labels is what a model has that knows their shares and nothing else. Of softmax only. */
export function lossWarnings(
  { totals }: Pick<SplitPlan, 'totals'>,
  balance: SplitOptions['balance'],
  loss: number,
): string[] {
  const { positive, negative } = totals.train;
  const share = balance === 'oversample' ? 0.5 : positive / (positive + negative);
  const guess = -share * Math.log(share) - (1 - share) * Math.log(1 - share);
  if (loss < 0.9 * guess) return [];
  return [
    `the loss of ${loss.toFixed(3)} is about that of guessing (${guess.toFixed(3)}): ${positive + negative} documents are few for these settings; try --epoch 25 --lr 0.5, or label more`,
  ];
}
