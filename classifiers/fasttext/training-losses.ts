/**
 * The four losses a fastText classifier is trained with: each looks at the hidden vector, moves the output rows and leaves the gradient.
 *
 *   softmax   all labels, one of them right
 *   ova       one yes-or-no per label; the text may have several
 *   ns        the right label and `neg` drawn wrong ones, by the square root of their counts
 *   hs        the yes-or-no decisions on the way to the label in a Huffman tree
 *
 * Sigmoids and the logarithm of the reported loss come from tables, as in the reference.
 * Source: fastText 0.9.3, loss.cc; Joulin et al. 2016; Mikolov et al. 2013.
 */
import { UserError } from '../../src/core/errors.ts';
import { huffmanTree } from './huffman-tree.ts';
import { sigmoid, softmax } from './label-scores.ts';
import type { Minstd } from './minstd.ts';
import type { TrainingRows } from './training-rows.ts';

const { fround } = Math;

/** Moves the output rows for a text with these labels, of which `chosen` counts where only one can, and returns the loss. */
export type TrainingLoss = (labels: readonly number[], chosen: number, lr: number) => number;

export interface LossOptions {
  loss: 'softmax' | 'ova' | 'hs' | 'ns';
  neg: number;
}

export function trainingLoss(
  { loss, neg }: LossOptions,
  labelCounts: Float64Array,
  rows: TrainingRows,
  random: Minstd,
): TrainingLoss {
  const labels = labelCounts.length;
  switch (loss) {
    case 'softmax':
      return (_, chosen, lr) => softmaxStep(rows, labels, chosen, lr);
    case 'ova':
      return (wanted, _, lr) => {
        let total = 0;
        for (let label = 0; label < labels; label++)
          total += binaryStep(rows, label, wanted.includes(label), lr);
        return total;
      };
    case 'ns':
      return negativeSampling(rows, labelCounts, neg, random);
    case 'hs':
      return hierarchical(rows, labelCounts);
  }
}

function softmaxStep(rows: TrainingRows, labels: number, chosen: number, lr: number): number {
  const output = rows.products(0, labels);
  for (let label = 0; label < labels; label++) refuseNaN(output[label]!);
  softmax(output);
  for (let label = 0; label < labels; label++) {
    rows.outputStep(label, fround(lr * fround((label === chosen ? 1 : 0) - output[label]!)));
  }
  return -tableLog(output[chosen]!);
}

/** One yes-or-no decision by output row `row`. */
function binaryStep(rows: TrainingRows, row: number, yes: boolean, lr: number): number {
  const product = rows.products(row, 1)[0]!;
  refuseNaN(product);
  const score = sigmoid(product);
  rows.outputStep(row, fround(lr * fround((yes ? 1 : 0) - score)));
  return -tableLog(yes ? score : fround(1 - score));
}

const negativeSteps = 10_000_000;

function negativeSampling(
  rows: TrainingRows,
  labelCounts: Float64Array,
  neg: number,
  random: Minstd,
): TrainingLoss {
  if (labelCounts.length < 2) {
    throw new UserError('negative sampling needs at least two labels', {
      hint: 'check the labels of the training data, or use loss: softmax',
    });
  }
  // The reference fills a table of ten million places; where each label's places end says the same.
  let sum = 0;
  for (const count of labelCounts) sum = fround(sum + count ** 0.5);
  const ends = new Float64Array(labelCounts.length);
  let places = 0;
  for (let label = 0; label < ends.length; label++) {
    places += Math.ceil(fround(fround(fround(labelCounts[label]! ** 0.5) * negativeSteps) / sum));
    ends[label] = places;
  }
  const draw = (): number => {
    const place = random.upTo(places - 1);
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (place < ends[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return (_, chosen, lr) => {
    let total = binaryStep(rows, chosen, true, lr);
    for (let n = 0; n < neg; n++) {
      let other: number;
      do other = draw();
      while (other === chosen);
      total += binaryStep(rows, other, false, lr);
    }
    return total;
  };
}

function hierarchical(rows: TrainingRows, labelCounts: Float64Array): TrainingLoss {
  const { labels, parent, right } = huffmanTree(labelCounts);
  return (_, chosen, lr) => {
    let total = 0;
    for (let node = chosen; parent[node]! >= 0; node = parent[node]!) {
      const above = parent[node]!;
      total += binaryStep(rows, above - labels, right[above] === node, lr);
    }
    return total;
  };
}

const logSteps = 512;
const logTable = Float32Array.from({ length: logSteps + 1 }, (_, i) =>
  Math.log(fround((i + 1e-5) / logSteps)),
);

/** The logarithm in steps of 1/512, as the reference reports it. */
function tableLog(x: number): number {
  return x > 1 ? 0 : logTable[Math.trunc(fround(x * logSteps))]!;
}

function refuseNaN(product: number): void {
  if (!Number.isNaN(product)) return;
  throw new UserError('training diverged: weights became too large for numbers', {
    hint: 'train with a lower lr (0.1 is usual; above 1 rarely works)',
  });
}
