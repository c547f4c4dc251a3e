/**
 * Writes a trained classifier as a `.bin` file of format version 12, which the reference command line and Python package load.
 * The matrices are written from memory piece by piece, so files of any size need no buffer of their own; the file is whole or absent.
 * Source: fastText 0.9.3, fasttext.cc (saveModel), args.cc (save), dictionary.cc (save), densematrix.cc (save).
 */
import { AtomicFile } from '../../src/io/atomic.ts';
import { bytesOf, type DenseMatrixData } from './model-data.ts';
import { fileMagic, fileVersion, lossNumber, supervisedKind } from './model-format.ts';
import type { TrainedFastText } from './train-fasttext.ts';

const pieceBytes = 1 << 26;

/** Writes the model to `path` and returns the size of the file and its SHA-256. Throws `UserError` when the disk refuses. */
export async function writeFastText(
  path: string,
  trained: TrainedFastText,
): Promise<{ bytes: number; sha256: string }> {
  const { data } = trained;
  const file = await AtomicFile.create(path);
  try {
    await file.write(settingsBytes(trained));
    for (const piece of dictionaryPieces(trained)) await file.write(piece);
    for (const matrix of [trained.input, data.output]) {
      for (const piece of matrixPieces(data.memory, matrix)) await file.write(piece);
    }
    return await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

function settingsBytes({ options, data }: TrainedFastText): Buffer {
  const { dim, epoch, minCount, neg, wordNgrams, bucket, minn, maxn, lrUpdateRate } = options;
  /** Size of the context window: of word vector training, but in the file. */
  const window = 5;
  const loss = lossNumber(data.settings.loss);
  const numbers = [
    ...[fileMagic, fileVersion, dim, window, epoch, minCount, neg, wordNgrams, loss, supervisedKind],
    ...[bucket, minn, maxn, lrUpdateRate],
  ];
  const bytes = Buffer.alloc(4 * numbers.length + 8);
  for (const [index, number] of numbers.entries()) bytes.writeInt32LE(number, 4 * index);
  bytes.writeDoubleLE(options.t, 4 * numbers.length);
  return bytes;
}

function* dictionaryPieces({ dictionary, counts, tokens }: TrainedFastText): Generator<Buffer> {
  const { words, labels, bytes, starts } = dictionary;
  const head = Buffer.alloc(28);
  head.writeInt32LE(words + labels, 0);
  head.writeInt32LE(words, 4);
  head.writeInt32LE(labels, 8);
  head.writeBigInt64LE(BigInt(tokens), 12);
  head.writeBigInt64LE(-1n, 20); // not pruned
  yield head;
  let piece = Buffer.alloc(1 << 20);
  let used = 0;
  for (let entry = 0; entry < words + labels; entry++) {
    const word = bytes.subarray(starts[entry], starts[entry + 1]);
    if (used + word.length + 10 > piece.length) {
      yield piece.subarray(0, used);
      piece = Buffer.alloc(1 << 20);
      used = 0;
    }
    piece.set(word, used);
    used += word.length + 1; // a zero byte ends it
    piece.writeUInt32LE(counts[entry]! % 2 ** 32, used);
    piece.writeUInt32LE(Math.floor(counts[entry]! / 2 ** 32), used + 4);
    piece[used + 8] = entry < words ? 0 : 1;
    used += 9;
  }
  yield piece.subarray(0, used);
}

function* matrixPieces(memory: WebAssembly.Memory, matrix: DenseMatrixData): Generator<Uint8Array> {
  const head = Buffer.alloc(17); // the first byte: not quantised
  head.writeBigInt64LE(BigInt(matrix.rows), 1);
  head.writeBigInt64LE(BigInt(matrix.columns), 9);
  yield head;
  const { offset, length } = matrix.weights;
  for (let at = 0; at < 4 * length; at += pieceBytes) {
    yield bytesOf(memory, { offset: offset + at, length: Math.min(pieceBytes, 4 * length - at) });
  }
}
