/**
 * Settings of training under fastText's own names, with MegaMath's (and DeepSeekMath's) values where nothing is said: dim 256, lr 0.1,
 * wordNgrams 3, minCount 3, epoch 3. The rest is what `fasttext supervised` uses.
 * Source: recipe.md 3 (MegaMath, DeepSeekMath); fastText 0.9.3, args.cc.
 */
import { UserError } from '../../src/core/errors.ts';
import { longestNgram, longestVector } from './model-data.ts';

const trainLosses = ['softmax', 'ova', 'hs', 'ns'] as const;

export interface FastTextTrainOptions {
  /** Numbers in a vector. */
  dim: number;
  /** Learning rate at the start; it falls to 0. */
  lr: number;
  /** Longest word n-gram. */
  wordNgrams: number;
  /** Words seen less often are not in the dictionary. */
  minCount: number;
  minCountLabel: number;
  /** Passes over the data. */
  epoch: number;
  /** Rows that word n-grams and subwords are hashed into; 0 when there are neither. */
  bucket: number;
  /** Shortest and longest subword in characters; maxn 0 = no subwords. */
  minn: number;
  maxn: number;
  loss: (typeof trainLosses)[number];
  /** Wrong labels drawn for each text with `ns`. */
  neg: number;
  /** The learning rate is updated after more than this many tokens. */
  lrUpdateRate: number;
  /** Sampling threshold of word vector training: written into the file, without effect on a classifier. */
  t: number;
  seed: number;
  /**
   * How much of the input matrix starts at random: thread i of the reference draws its i-th tenth, what is left starts from zero. 1 is the
   * reference's `-thread 1`; from 11 on every weight is drawn, as with its default of 12. Training itself always runs on one thread.
   */
  thread: number;
}

const trainDefaults: FastTextTrainOptions = {
  dim: 256,
  lr: 0.1,
  wordNgrams: 3,
  minCount: 3,
  minCountLabel: 0,
  epoch: 3,
  bucket: 2_000_000,
  minn: 0,
  maxn: 0,
  loss: 'softmax',
  neg: 5,
  lrUpdateRate: 100,
  t: 1e-4,
  seed: 0,
  thread: 1,
};

const most = 2 ** 31 - 1;
/** Lowest and highest value of the whole numbers. */
const bounds: readonly [name: keyof FastTextTrainOptions, lowest: number, highest: number][] = [
  ['dim', 1, longestVector],
  ['wordNgrams', 0, longestNgram],
  ['minCount', 0, most],
  ['minCountLabel', 0, most],
  ['epoch', 1, most],
  ['bucket', 0, most],
  ['minn', 0, longestNgram],
  ['maxn', 0, longestNgram],
  ['neg', 0, most],
  ['lrUpdateRate', 0, most],
  ['seed', 0, most],
  ['thread', 1, most],
];

/** All settings. Throws `UserError` naming the first one that is out of range. */
export function trainOptions(given: Partial<FastTextTrainOptions>): FastTextTrainOptions {
  const options = { ...trainDefaults };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(trainDefaults, name)) {
      throw new UserError(`"${name}" is no setting of fastText training`, {
        hint: `the settings are ${Object.keys(trainDefaults).join(', ')}`,
      });
    }
    if (value !== undefined) Object.assign(options, { [name]: value });
  }
  for (const [name, lowest, highest] of bounds) {
    const value = options[name] as number;
    if (Number.isInteger(value) && value >= lowest && value <= highest) continue;
    throw new UserError(`${name} is ${value}`, {
      hint: `give a whole number from ${lowest} to ${highest}`,
    });
  }
  if (!(options.lr >= 0 && Number.isFinite(options.lr))) {
    throw new UserError(`lr is ${options.lr}`, { hint: 'give a number above 0; 0.1 is usual' });
  }
  if (!Number.isFinite(options.t)) throw new UserError(`t is ${options.t}`, { hint: 'give a number' });
  if (!trainLosses.includes(options.loss)) {
    throw new UserError(`loss is ${options.loss}`, { hint: `one of ${trainLosses.join(', ')}` });
  }
  const hashes = options.wordNgrams > 1 || options.maxn > 0;
  if (!hashes) options.bucket = 0;
  else if (options.bucket === 0) {
    throw new UserError('bucket is 0, but word n-grams or subwords are hashed into buckets', {
      hint: 'give a bucket above 0 (2000000 is usual), or wordNgrams: 1 and maxn: 0',
    });
  }
  return options;
}
