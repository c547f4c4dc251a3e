/** Numbers of the fastText file format that reading and writing share. Source: fastText 0.9.3, fasttext.cc, args.h. */
import type { Loss } from './model-data.ts';

export const fileMagic = 793_712_314;
export const fileVersion = 12;
/** The model kind of a classifier; 1 and 2 are word vectors (cbow, skipgram). */
export const supervisedKind = 3;

const losses: readonly Loss[] = ['hierarchical-softmax', 'negative-sampling', 'softmax', 'one-vs-all'];

/** The loss with this number; undefined when there is none. */
export function lossOf(number: number): Loss | undefined {
  return losses[number - 1];
}

export function lossNumber(loss: Loss): number {
  return losses.indexOf(loss) + 1;
}
