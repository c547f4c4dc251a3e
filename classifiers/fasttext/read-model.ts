/**
 * Reads a fastText model file (.bin, .ftz; format versions 11 and 12) into a `FastTextData`.
 *
 * Two passes over the structure: the first reads settings, dictionary and the sizes of the matrices, each size checked against the
 * file; then one block is allocated and the matrices are read straight into it, so a model needs its own size in memory once.
 * Small quantised input matrices are unpacked to floats (the same numbers, four at a time when predicting); so is a quantised
 * output matrix, whose norms stay apart because they are applied after the product.
 *
 * Refused: models that are not classifiers (cbow, skipgram), sizes the file cannot hold, settings that would make prediction
 * quadratic, bytes left over at the end. Weights are not looked at here; NaN among them shows when predicting.
 * Source: fastText 0.9.3, fasttext.cc (loadModel), dictionary.cc, args.cc, densematrix.cc, quantmatrix.cc, productquantizer.cc.
 */
import { invariant } from '../../src/core/errors.ts';
import { BlockPlan } from './block-plan.ts';
import { FileCursor } from './file-cursor.ts';
import { type FastTextData, type FastTextSettings, longestNgram, longestVector } from './model-data.ts';
import { fileMagic, fileVersion, lossOf, supervisedKind } from './model-format.ts';
import { type Dictionary, layDictionary, readDictionary } from './read-dictionary.ts';
import { fillMatrix, layMatrix, readMatrixShape, type StoredMatrix } from './read-matrix.ts';

const defaultUnpackLimit = 64 * 2 ** 20;
/** Unpacked quantised output matrices above this are refused. */
const outputBytes = 2 ** 30;

export interface ReadOptions {
  /** Puts the model into shared memory, so that other threads can open the same `FastTextData`. */
  shared?: boolean;
  /** A quantised input matrix is unpacked when it then has at most this many bytes. Default 64 MiB; 0 keeps it packed. */
  unpackLimit?: number;
}

/** The model at `path`. Throws `InputError` when the file is damaged, not fastText, or no classifier. */
export async function readFastTextData(path: string, options: ReadOptions = {}): Promise<FastTextData> {
  const cursor = await FileCursor.open(path);
  try {
    const settings = await readSettings(cursor);
    const dictionary = await readDictionary(cursor);
    await cursor.need(1);
    const quantised = cursor.flag('"the input matrix is quantised"');
    const input = await readMatrixShape(cursor, quantised, settings.dim, 'input matrix');
    if (!quantised && dictionary.pruned >= 0) {
      cursor.fail(
        'has a pruned dictionary but no quantised matrix (a broken release of fastText wrote such files)',
      );
    }
    await cursor.need(1);
    const quantisedOutput = cursor.flag('"the output matrix is quantised"');
    const output = await readMatrixShape(cursor, quantised && quantisedOutput, settings.dim, 'output matrix');
    if (cursor.left > 0) cursor.fail(`goes on for ${cursor.left} bytes after the model`);
    checkRows(cursor, settings, dictionary, input, output);
    return await load(cursor, settings, dictionary, input, output, options);
  } finally {
    await cursor.close();
  }
}

async function readSettings(cursor: FileCursor): Promise<FastTextSettings> {
  if (cursor.size < 8) cursor.fail(`has ${cursor.size} bytes, too few for a model`);
  await cursor.need(8);
  if (cursor.int32() !== fileMagic) cursor.fail('does not begin like a fastText model');
  const version = cursor.int32();
  if (version !== 11 && version !== fileVersion)
    cursor.fail(`has format version ${version}; 11 and 12 can be read`);
  await cursor.need(12 * 4 + 8);
  const [dim, , , , , wordNgrams, lossNumber, kind, bucket, minn, maxn] = Array.from({ length: 12 }, () =>
    cursor.int32(),
  ) as [number, number, number, number, number, number, number, number, number, number, number];
  cursor.skip(8);
  if (kind !== supervisedKind) {
    if (kind !== 1 && kind !== 2) cursor.fail(`has the unknown model kind ${kind}`);
    cursor.fail('holds word vectors (cbow or skipgram), not a classifier (supervised)');
  }
  const loss = lossOf(lossNumber);
  if (loss === undefined) cursor.fail(`has the unknown loss ${lossNumber}`);
  // Supervised models of version 11 were trained before there were subwords, whatever the field says.
  const longest = version === 11 ? 0 : maxn;
  if (dim < 1 || dim > longestVector) cursor.fail(`claims vectors of ${dim} numbers`);
  if (wordNgrams > longestNgram || longest > longestNgram) {
    cursor.fail(
      `claims n-grams of ${Math.max(wordNgrams, longest)} words or characters; up to ${longestNgram} are read`,
    );
  }
  return { dim, wordNgrams, loss, bucket, minn, maxn: longest };
}

function checkRows(
  cursor: FileCursor,
  settings: FastTextSettings,
  dictionary: Dictionary,
  input: StoredMatrix,
  output: StoredMatrix,
): void {
  const { words, labels, pruned, highestKept } = dictionary;
  const hashes = settings.wordNgrams > 1 || settings.maxn > 0;
  let needed = words;
  if (pruned < 0 && hashes) {
    if (settings.bucket < 1) cursor.fail(`hashes n-grams into ${settings.bucket} buckets`);
    needed += settings.bucket;
  } else if (pruned > 0) {
    if (settings.bucket < 1) cursor.fail(`hashes n-grams into ${settings.bucket} buckets`);
    needed += highestKept + 1;
  }
  if (input.rows < needed)
    cursor.fail(`has ${input.rows} rows in the input matrix; its dictionary needs ${needed}`);
  if (output.rows !== labels)
    cursor.fail(`has ${output.rows} rows in the output matrix for ${labels} labels`);
}

async function load(
  cursor: FileCursor,
  settings: FastTextSettings,
  dictionary: Dictionary,
  storedInput: StoredMatrix,
  storedOutput: StoredMatrix,
  options: ReadOptions,
): Promise<FastTextData> {
  const { shared = false, unpackLimit = defaultUnpackLimit } = options;
  const block = new BlockPlan();
  const { place } = block;
  const laid = layDictionary(dictionary, (problem) => cursor.fail(problem), place);
  const bytes = (matrix: StoredMatrix): number => matrix.rows * matrix.columns * 4;
  const input = layMatrix(storedInput, bytes(storedInput) <= unpackLimit ? 'unpacked' : 'stored', place);
  if (storedOutput.kind === 'quantised' && bytes(storedOutput) > outputBytes) {
    cursor.fail(
      `has a quantised output matrix of ${storedOutput.rows} x ${storedOutput.columns}, too large to unpack`,
    );
  }
  const output = layMatrix(storedOutput, 'norms-apart', place);
  invariant(output.kind === 'dense', 'the output matrix is unpacked');
  place(16, 1); // rows are read in blocks of 16 bytes: the last one reads past its end
  const { memory, wide } = block.allocate(shared) ?? cursor.fail(block.refusal);

  laid.fill(memory);
  await fillMatrix(cursor, storedInput, input, memory);
  await fillMatrix(cursor, storedOutput, output, memory);
  const { words, labels, pruned } = dictionary;
  return {
    ...{ path: cursor.path, settings, words, labels, pruned, memory, wide },
    ...{ dictionary: laid.sections, input, output },
  };
}
