/**
 * From the vector of a text to label scores, for the four losses a fastText classifier can be trained with.
 *
 * Scores are what fastText prints: exp(log(p + 1e-5)) in 32-bit floats, so a certain label has 1.00001, and labels of a hierarchical
 * softmax whose path falls below 1e-5 are left out (here: score 0). One-vs-all and negative sampling look the sigmoid up in a table
 * of 512 steps, as the reference does.
 * Source: fastText 0.9.3, loss.cc. Differences left: `exp` and `log` of the C library and of V8 may differ in the last bit.
 */
import { InputError } from '../../src/core/errors.ts';
import { BestScores } from './best-scores.ts';
import { type HuffmanTree, huffmanTree } from './huffman-tree.ts';
import { doubles, type FastTextData, floats } from './model-data.ts';
import type { RowSum } from './row-sum.ts';

const { fround } = Math;

/** A label by number and its score. */
interface LabelScore {
  label: number;
  score: number;
}

/** Reads scores off the vector that `RowSum.finish` left. */
export interface LabelScores {
  /** The `limit` best labels with at least `threshold`, best first. */
  best(limit: number, threshold: number): LabelScore[];
  /** The score of each of these labels. */
  of(labels: readonly number[]): number[];
}

export function labelScores(data: FastTextData, sum: RowSum): LabelScores {
  switch (data.settings.loss) {
    case 'hierarchical-softmax':
      return new TreeScores(data, sum);
    case 'softmax':
      return new FlatScores(data, sum, softmax);
    case 'one-vs-all':
    case 'negative-sampling':
      return new FlatScores(data, sum, sigmoids);
  }
}

/** log(p + 1e-5) as a 32-bit float. */
function logOf(probability: number): number {
  return fround(Math.log(probability + 1e-5));
}

function scoreOf(log: number): number {
  return fround(Math.exp(log));
}

function refuseOverflow(data: FastTextData, value: number): void {
  if (Number.isFinite(value)) return;
  throw new InputError(data.path, 'has weights that are not numbers, or too large to add up', {
    hint: 'the file is damaged or training diverged: get it again, or train with a lower learning rate',
  });
}

/** One output per label. */
class FlatScores implements LabelScores {
  readonly #data: FastTextData;
  readonly #sum: RowSum;
  readonly #activate: (output: Float32Array) => void;
  readonly #norms: Float32Array | undefined;

  constructor(data: FastTextData, sum: RowSum, activate: (output: Float32Array) => void) {
    this.#data = data;
    this.#sum = sum;
    this.#activate = activate;
    const { norms } = data.output;
    this.#norms = norms === undefined ? undefined : floats(data.memory, norms);
  }

  best(limit: number, threshold: number): LabelScore[] {
    const output = this.#probabilities();
    const best = new BestScores(limit);
    for (let label = 0; label < output.length; label++) {
      if (output[label]! < threshold) continue;
      const log = logOf(output[label]!);
      if (best.accepts(log)) best.add(log, label);
    }
    return best.sorted().map(({ score, label }) => ({ label, score: scoreOf(score) }));
  }

  of(labels: readonly number[]): number[] {
    const output = this.#probabilities();
    return labels.map((label) => scoreOf(logOf(output[label]!)));
  }

  #probabilities(): Float32Array {
    const output = this.#sum.products(0, this.#data.labels);
    const norms = this.#norms;
    for (let label = 0; label < output.length; label++) {
      if (norms !== undefined) output[label] = output[label]! * norms[label]!;
      refuseOverflow(this.#data, output[label]!);
    }
    this.#activate(output);
    return output;
  }
}

/** In place: products to probabilities. */
export function softmax(output: Float32Array): void {
  let largest = output[0]!;
  for (let i = 1; i < output.length; i++) largest = Math.max(largest, output[i]!);
  let total = 0;
  for (let i = 0; i < output.length; i++) {
    output[i] = Math.exp(fround(output[i]! - largest));
    total = fround(total + output[i]!);
  }
  for (let i = 0; i < output.length; i++) output[i] = output[i]! / total;
}

const sigmoidSteps = 512;
const sigmoidRange = 8;
const sigmoidTable = Float32Array.from({ length: sigmoidSteps + 1 }, (_, i) => {
  const x = fround(fround((i * 2 * sigmoidRange) / sigmoidSteps) - sigmoidRange);
  return 1 / (1 + fround(Math.exp(-x)));
});

function sigmoids(output: Float32Array): void {
  for (let i = 0; i < output.length; i++) output[i] = sigmoid(output[i]!);
}

/** By table, as the reference. NaN for NaN. */
export function sigmoid(x: number): number {
  if (x < -sigmoidRange) return 0;
  if (x > sigmoidRange) return 1;
  // ((x + 8) * 512 / 8 / 2), each step a 32-bit float; the divisions are exact.
  const step = fround(fround(fround(x + sigmoidRange) * sigmoidSteps) / sigmoidRange / 2);
  return sigmoidTable[Math.trunc(step)] ?? Number.NaN;
}

/** A path of yes-or-no decisions per label. */
class TreeScores implements LabelScores {
  readonly #data: FastTextData;
  readonly #sum: RowSum;
  readonly #tree: HuffmanTree;
  readonly #norms: Float32Array | undefined;

  constructor(data: FastTextData, sum: RowSum) {
    this.#data = data;
    this.#sum = sum;
    this.#tree = huffmanTree(doubles(data.memory, data.dictionary.labelCounts));
    const { norms } = data.output;
    this.#norms = norms === undefined ? undefined : floats(data.memory, norms);
  }

  best(limit: number, threshold: number): LabelScore[] {
    const { left, right, labels, root } = this.#tree;
    const lowest = logOf(fround(threshold));
    const best = new BestScores(limit);
    // Depth first with an explicit stack: a tree can be as deep as it has labels.
    const nodes = [root];
    const scores = [0];
    while (nodes.length > 0) {
      const node = nodes.pop()!;
      const score = scores.pop()!;
      if (score < lowest || !best.accepts(score)) continue;
      if (node < labels) {
        best.add(score, node);
        continue;
      }
      const yes = this.#decision(node);
      nodes.push(right[node]!, left[node]!);
      scores.push(fround(score + logOf(yes)), fround(score + logOf(fround(1 - yes))));
    }
    return best.sorted().map(({ score, label }) => ({ label, score: scoreOf(score) }));
  }

  of(labels: readonly number[]): number[] {
    const lowest = logOf(0);
    return labels.map((label) => {
      const log = this.#pathScore(label);
      return log < lowest ? 0 : scoreOf(log);
    });
  }

  /** The log score of a label, added from the root down. */
  #pathScore(label: number): number {
    const { parent, right } = this.#tree;
    const path: number[] = [];
    for (let node = label; node >= 0; node = parent[node]!) path.push(node);
    let score = 0;
    for (let i = path.length - 1; i > 0; i--) {
      const yes = this.#decision(path[i]!);
      const taken = right[path[i]!] === path[i - 1] ? yes : fround(1 - yes);
      score = fround(score + logOf(taken));
    }
    return score;
  }

  /** The probability of going right at an inner node. */
  #decision(node: number): number {
    const row = node - this.#tree.labels;
    let product = this.#sum.products(row, 1)[0]!;
    if (this.#norms !== undefined) product = fround(product * this.#norms[row]!);
    refuseOverflow(this.#data, product);
    return fround(1 / fround(1 + fround(Math.exp(-product))));
  }
}
