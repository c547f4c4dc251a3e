/**
 * Which documents of a source are held out and in which order the others are read, decided by (seed, document id) alone: the same for
 * any number of workers and after any kill. Every pass over a source has an order of its own.
 */
import { hash32 } from '../core/random.ts';

/** Uniform in [0, 1): a document is held out if this is below the held-out share. */
export function heldoutDraw(idHash: number, seed: number): number {
  return hash32(`heldout:${seed}:${idHash}`) / 4294967296;
}

/**
 * Numbers of the documents held out for evaluation, and of the rest, each in reading order. A source with documents to spare always
 * gives up at least one. `idHashes` holds hash32 of each document's id.
 */
export function splitHeldout(
  idHashes: Uint32Array,
  share: number,
  seed: number,
): { train: Int32Array; heldout: Int32Array } {
  const n = idHashes.length;
  if (share === 0 || n < 2)
    return { train: Int32Array.from({ length: n }, (_, i) => i), heldout: new Int32Array(0) };
  const train: number[] = [];
  const heldout: number[] = [];
  let lowest = 0;
  let lowestDraw = 1;
  for (let i = 0; i < n; i++) {
    const draw = heldoutDraw(idHashes[i]!, seed);
    if (draw < lowestDraw) {
      lowest = i;
      lowestDraw = draw;
    }
    (draw < share ? heldout : train).push(i);
  }
  if (heldout.length === 0) {
    heldout.push(lowest);
    train.splice(train.indexOf(lowest), 1);
  }
  return { train: Int32Array.from(train), heldout: Int32Array.from(heldout) };
}

/** The given documents shuffled for one pass: sorted by hash(seed, pass, id), equal hashes by number. */
export function orderOfPass(
  documents: Int32Array,
  idHashes: Uint32Array,
  seed: number,
  pass: number,
): Int32Array {
  // A 64-bit key per document, hash above number, sorted as integers without making one BigInt.
  const keys = new BigUint64Array(documents.length);
  const halves = new Uint32Array(keys.buffer);
  for (let i = 0; i < documents.length; i++) {
    halves[2 * i] = documents[i]!;
    halves[2 * i + 1] = hash32(`order:${seed}:${pass}:${idHashes[documents[i]!]}`);
  }
  keys.sort();
  return Int32Array.from({ length: documents.length }, (_, i) => halves[2 * i]!);
}
