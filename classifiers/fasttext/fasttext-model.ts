/**
 * A fastText classifier: reads models of the reference implementation (.bin and .ftz) and predicts what it predicts.
 *
 *     const model = await readFastText('lid.176.ftz');
 *     model.predict('Ein kurzer Satz', 2);        // [{ label: 'de', score: 0.99 }, ...]
 *
 * Threads that share one copy of a large model: `const data = await readFastTextData(path, { shared: true })`, post `data`, and in each
 * thread `openFastText(data)`. A model object has buffers of its own and serves one thread; opening one costs microseconds
 * (milliseconds with a hierarchical softmax over many labels).
 *
 * A text is one line: line feeds in it are spaces, and `</s>` is scored at its end, as `fasttext predict` and the Python package do.
 * Source: Joulin et al. 2016 (arXiv 1607.01759, 1612.03651); fastText 0.9.3. Scores equal the reference's up to rounding
 * (see label-scores.ts and row-kernels.ts).
 */
import { UserError } from '../../src/core/errors.ts';
import { type LabelScores, labelScores } from './label-scores.ts';
import { bytesOf, type FastTextData, uint32s } from './model-data.ts';
import { type ReadOptions, readFastTextData } from './read-model.ts';
import { RowSum } from './row-sum.ts';
import { TextFeatures } from './text-features.ts';
import { labelPrefix } from './tokens.ts';

export interface Prediction {
  /** Without `__label__`. */
  label: string;
  /** Probability as fastText prints it: up to 1.00001. */
  score: number;
}

/** Reads the classifier at `path`. Throws `InputError` when the file is damaged or holds no classifier. */
export async function readFastText(path: string, options: ReadOptions = {}): Promise<FastTextModel> {
  return openFastText(await readFastTextData(path, options));
}

/** A model over data that this or another thread has read. */
export function openFastText(data: FastTextData): FastTextModel {
  return new FastTextModel(data);
}

export class FastTextModel {
  readonly data: FastTextData;
  /** All labels, without `__label__`, in the order of the model. */
  readonly labels: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #sum: RowSum;
  readonly #features: TextFeatures;
  readonly #scores: LabelScores;

  constructor(data: FastTextData) {
    this.data = data;
    this.labels = labelsOf(data);
    this.#numbers = new Map(this.labels.map((label, number) => [label, number]));
    this.#sum = new RowSum(data);
    this.#features = new TextFeatures(data, this.#sum);
    this.#scores = labelScores(data, this.#sum);
  }

  /**
   * The `k` most probable labels of `text` with a probability of at least `threshold`, best first; `Infinity` for all labels.
   * Empty when nothing in the text, `</s>` included, has a row in the model.
   */
  predict(text: string, k = 1, threshold = 0): Prediction[] {
    if (!this.#read(text)) return [];
    return this.#best(k, threshold);
  }

  /** The score of one label; 0 when the text has no features. Throws `UserError` for a label the model does not have. */
  scoreOf(text: string, label: string): number {
    const number = this.labelNumber(label);
    return this.#read(text) ? this.#scores.of([number])[0]! : 0;
  }

  /** The best label and the scores of the labels numbered `numbers`, from one reading of the text; undefined without features. */
  predictWith(
    text: string,
    numbers: readonly number[],
  ): { best: Prediction; scores: readonly number[] } | undefined {
    if (!this.#read(text)) return undefined;
    const best = this.#best(1, 0)[0];
    return best === undefined ? undefined : { best, scores: this.#scores.of(numbers) };
  }

  /** The number of a label (with or without `__label__`). Throws `UserError` when the model does not have it. */
  labelNumber(label: string): number {
    const number = this.#numbers.get(withoutPrefix(label));
    if (number !== undefined) return number;
    const some = this.labels.slice(0, 20).join(', ');
    const more = this.labels.length > 20 ? ` and ${this.labels.length - 20} more` : '';
    throw new UserError(`${this.data.path} has no label "${label}"`, {
      hint: `its labels are ${some}${more}`,
    });
  }

  #best(k: number, threshold: number): Prediction[] {
    const limit = Math.min(k, this.labels.length);
    return this.#scores
      .best(limit, threshold)
      .map(({ label, score }) => ({ label: this.labels[label]!, score }));
  }

  /** Makes the vector of the text; false when no feature has a row. */
  #read(text: string): boolean {
    this.#sum.start();
    this.#features.add(text);
    return this.#sum.finish() > 0;
  }
}

function labelsOf(data: FastTextData): string[] {
  const bytes = bytesOf(data.memory, data.dictionary.bytes);
  const starts = uint32s(data.memory, data.dictionary.labelStarts);
  return Array.from({ length: data.labels }, (_, label) => {
    // A copy: text decoders do not take shared memory.
    return withoutPrefix(Buffer.from(bytes.slice(starts[label]!, starts[label + 1]!)).toString('utf8'));
  });
}

function withoutPrefix(label: string): string {
  return label.startsWith(labelPrefix) ? label.slice(labelPrefix.length) : label;
}
