/**
 * Trains a fastText classifier: counts the words, starts the matrices and goes through the data line by line, on one thread.
 *
 *     const trained = await trainFastText(examples, { dim: 64, seed: 1 });
 *     openFastText(trained.data).predict('some text');
 *     await writeFastText('model.bin', trained);
 *
 * The same data, options and seed give the same bytes on every machine. They are those of `fasttext supervised -thread 1` too: the same
 * dictionary, the same random numbers, the same steps in the same order, each rounded to 32 bits; where the reference was built without
 * fused multiply-add and starts from zeroed memory (Debian's 0.9.2) the files are equal byte by byte, up to last bits of `exp`.
 * What the reference does and is kept: the learning rate falls with the tokens read, updated after more than `lrUpdateRate` of them; a
 * text with several labels learns one of them, drawn anew each time (all of them with `ova`); after the last whole epoch a few more lines
 * are read, until the count of tokens catches up.
 *
 * Gives up: training on several threads, which races and gives another model each time. `lr` is a double here, as in the Python package;
 * the command line rounds a given -lr to 32 bits.
 * Source: fastText 0.9.3, fasttext.cc (train, trainThread, supervised), model.cc (update); Joulin et al. 2016 (arXiv 1607.01759).
 */
import { InterruptedError, invariant, UserError } from '../../src/core/errors.ts';
import { BlockPlan } from './block-plan.ts';
import { Minstd } from './minstd.ts';
import type { DenseMatrixData, FastTextData, Loss } from './model-data.ts';
import { hashByte, hashStart } from './model-data.ts';
import { type Dictionary, layDictionary } from './read-dictionary.ts';
import { TextFeatures } from './text-features.ts';
import { endHash, endToken, isSpace } from './tokens.ts';
import { type FastTextTrainOptions, trainOptions } from './train-options.ts';
import { type LineBlock, type LineOptions, type TrainingInput, trainingLines } from './training-lines.ts';
import { trainingLoss } from './training-losses.ts';
import { TrainingRows } from './training-rows.ts';
import { VocabularyCount } from './vocabulary-count.ts';

const { fround } = Math;
const lineFeed = 0x0a;
/** Weights added up between two looks at `signal` and reports of progress: some tens of milliseconds. */
const restAfter = 1 << 25;

export interface TrainingProgress {
  /** 0 to 1. */
  progress: number;
  lr: number;
  /** Mean loss of an example so far. */
  loss: number;
  /** Tokens read so far, over all epochs, labels and `</s>` included. */
  tokens: number;
}

export interface TrainingControl extends LineOptions {
  signal?: AbortSignal;
  onProgress?: (progress: TrainingProgress) => void;
  /** Puts the model into shared memory, so that other threads can open the same `data`. */
  shared?: boolean;
}

export interface TrainedFastText {
  /** Opens with `openFastText(data)`. */
  data: FastTextData;
  /** Its input matrix. */
  input: DenseMatrixData;
  options: FastTextTrainOptions;
  dictionary: Dictionary;
  /** How often each dictionary entry occurred: words, then labels. */
  counts: Float64Array;
  /** Tokens of one pass, labels and `</s>` included. */
  tokens: number;
  /** Mean loss of an example over the whole training. */
  loss: number;
  /** Examples learnt from, over all epochs. */
  examples: number;
}

const lossNames: Readonly<Record<FastTextTrainOptions['loss'], Loss>> = {
  softmax: 'softmax',
  ova: 'one-vs-all',
  hs: 'hierarchical-softmax',
  ns: 'negative-sampling',
};

/**
 * Trains on `input`. Throws `UserError` for settings out of range, data without labels or words, and training that diverged;
 * `InputError` for a file that cannot be read; `InterruptedError` when `signal` fired.
 */
export async function trainFastText(
  input: TrainingInput,
  options: Partial<FastTextTrainOptions> = {},
  control: TrainingControl = {},
): Promise<TrainedFastText> {
  const settings = trainOptions(options);
  const lines = await trainingLines(input, control);
  const vocabulary = new VocabularyCount();
  for await (const block of lines()) {
    countBlock(vocabulary, block);
    if (control.signal?.aborted) throw new InterruptedError();
  }
  const { tokens } = vocabulary;
  const { dictionary, counts } = vocabulary.finish(settings.minCount, settings.minCountLabel);
  refuseEmpty(dictionary, tokens, settings);
  const { data, input: matrix, rows } = startModel(settings, dictionary, control.shared ?? false);
  const { loss, examples } = await learn(lines, data, rows, settings, dictionary, tokens, control);
  return { data, input: matrix, options: settings, dictionary, counts, tokens, loss, examples };
}

/** Tokens of every line, and `</s>` for each line feed. */
function countBlock(vocabulary: VocabularyCount, { bytes, length }: LineBlock): void {
  for (let at = 0; at < length; ) {
    const byte = bytes[at]!;
    if (isSpace[byte] === 1) {
      if (byte === lineFeed) vocabulary.add(endToken, 0, endToken.length, endHash);
      at++;
      continue;
    }
    const start = at;
    let hash = hashStart;
    do hash = hashByte(hash, bytes[at++]!);
    while (at < length && isSpace[bytes[at]!] === 0);
    vocabulary.add(bytes, start, at, hash);
  }
}

function refuseEmpty(dictionary: Dictionary, tokens: number, { minCount }: FastTextTrainOptions): void {
  const { words, labels } = dictionary;
  if (labels === 0) {
    throw new UserError(`the training data has no labels (${tokens} tokens were read)`, {
      hint: 'each line begins with its label: "__label__NAME text"; check minCountLabel too',
    });
  }
  if (words === 0) {
    throw new UserError(`no word of the training data occurs ${minCount} times`, {
      hint: 'train on more text, or with a lower minCount',
    });
  }
}

/** The matrices: input rows for words and buckets, of which the first tenths are drawn at random; output rows of zeros. */
function startModel(
  settings: FastTextTrainOptions,
  dictionary: Dictionary,
  shared: boolean,
): { data: FastTextData; input: DenseMatrixData; rows: TrainingRows } {
  const { dim, wordNgrams, bucket, minn, maxn, seed, thread } = settings;
  const { words, labels } = dictionary;
  const block = new BlockPlan();
  const fail = (problem: string): never => {
    throw new UserError(`the model ${problem}`, {
      hint: 'train with fewer buckets, a smaller dim or a higher minCount',
    });
  };
  const laid = layDictionary(dictionary, fail, block.place);
  const matrix = (rows: number): DenseMatrixData => ({
    ...{ kind: 'dense', rows, columns: dim },
    weights: block.place(rows * dim, 4),
  });
  const input = matrix(words + bucket);
  const output = matrix(labels);
  block.place(16, 1); // rows are read and written in blocks of 16 bytes
  const { memory, wide } = block.allocate(shared) ?? fail(block.refusal);
  laid.fill(memory);
  const data: FastTextData = {
    path: 'the model being trained',
    settings: { dim, wordNgrams, loss: lossNames[settings.loss], bucket, minn, maxn },
    ...{ words, labels, pruned: -1, memory, wide },
    ...{ dictionary: laid.sections, input, output },
  };
  const rows = new TrainingRows(data, input);
  const total = input.rows * dim;
  const tenth = Math.floor(total / 10);
  for (let part = 0; part < thread && part * tenth < total; part++) {
    const from = part * tenth;
    rows.fillUniform(from, Math.min(tenth, total - from), new Minstd(seed + part).state);
    if (tenth === 0) break;
  }
  return { data, input, rows };
}

async function learn(
  lines: () => AsyncIterable<LineBlock> | Iterable<LineBlock>,
  data: FastTextData,
  rows: TrainingRows,
  settings: FastTextTrainOptions,
  dictionary: Dictionary,
  tokens: number,
  control: TrainingControl,
): Promise<{ loss: number; examples: number }> {
  const { epoch, lrUpdateRate, dim } = settings;
  const random = new Minstd(settings.seed);
  const features = new TextFeatures(data, rows);
  const step = trainingLoss(settings, dictionary.labelCounts, rows, random);
  const end = epoch * tokens;
  let counted = 0;
  let uncounted = 0;
  let lossSum = 0;
  let examples = 0;
  let work = 0;
  while (counted < end) {
    const before = counted + uncounted;
    for await (const { bytes, length } of lines()) {
      let at = 0;
      while (at < length && counted < end) {
        const found = bytes.indexOf(lineFeed, at);
        const closed = found >= 0 && found < length;
        const lineEnd = closed ? found : length;
        do {
          const progress = fround(fround(counted) / fround(end));
          const lr = fround(settings.lr * (1 - progress));
          rows.count = 0;
          at = features.addLine(bytes, at, lineEnd, closed);
          const { labels } = features;
          if (labels.length > 0 && rows.count > 0) {
            const chosen = settings.loss === 'ova' ? -1 : labels[random.upTo(labels.length - 1)]!;
            rows.average();
            lossSum += step(labels, chosen, lr);
            rows.inputStep();
            examples++;
            work += rows.count * dim;
          }
          uncounted += features.tokens;
          if (uncounted > lrUpdateRate) {
            counted += uncounted;
            uncounted = 0;
          }
          if (work > restAfter) {
            work = 0;
            control.onProgress?.({ progress, lr, loss: lossSum / examples, tokens: counted });
            await new Promise(setImmediate);
            if (control.signal?.aborted) throw new InterruptedError();
          }
          // After a `</s>` in the line the rest of it is read as a line of its own.
        } while (features.stoppedEarly && counted < end);
        at = lineEnd + 1;
      }
      if (counted >= end) break;
    }
    invariant(counted + uncounted > before, 'the training data did not change while it was read');
  }
  const loss = examples === 0 ? 0 : lossSum / examples;
  control.onProgress?.({ progress: 1, lr: 0, loss, tokens: counted });
  return { loss, examples };
}
