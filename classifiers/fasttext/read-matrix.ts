/**
 * Matrices of a fastText model file: their shapes and places first, checked against the size of the file, then their contents.
 *
 * A quantised matrix can be unpacked to floats while it is filled in. For the input matrix the norm is multiplied into the weights,
 * as fastText does when it adds a row; for the output matrix norms stay apart, because there the finished product is
 * multiplied. Unpacked, both give the same 32-bit numbers as packed.
 * Source: fastText 0.9.3, densematrix.cc, quantmatrix.cc, productquantizer.cc.
 */
import { invariant } from '../../src/core/errors.ts';
import type { FileCursor } from './file-cursor.ts';
import {
  bytesOf,
  type DenseMatrixData,
  floats,
  type QuantisedMatrixData,
  type Section,
} from './model-data.ts';

/** A matrix as it lies in the file: shape and file offsets. */
export type StoredMatrix =
  | { kind: 'dense'; rows: number; columns: number; weights: number }
  | {
      kind: 'quantised';
      rows: number;
      columns: number;
      parts: number;
      partSize: number;
      lastSize: number;
      codes: number;
      centroids: number;
      norms?: { codes: number; centroids: number };
    };

/** The matrix that begins at the cursor; leaves the cursor behind it. `what` names it in messages. */
export async function readMatrixShape(
  cursor: FileCursor,
  quantised: boolean,
  dim: number,
  what: string,
): Promise<StoredMatrix> {
  if (quantised) await cursor.need(1);
  const norms = quantised && cursor.flag(`"the ${what} has norms"`);
  await cursor.need(16);
  const rows = cursor.int64(`number of rows of the ${what}`);
  const columns = cursor.int64(`number of columns of the ${what}`);
  if (columns !== dim) cursor.fail(`has an ${what} with ${columns} columns; the settings say ${dim}`);
  if (rows < 1 || rows > 0x7fffffff) cursor.fail(`has an ${what} with ${rows} rows`);
  if (!quantised) {
    cursor.expect(rows * columns, 4, `weights of the ${what}`);
    const weights = cursor.position;
    cursor.skip(rows * columns * 4);
    return { kind: 'dense', rows, columns, weights };
  }
  await cursor.need(4);
  const codeBytes = cursor.int32();
  cursor.expect(codeBytes, 1, `codes of the ${what}`);
  const codes = cursor.position;
  cursor.skip(codeBytes);
  const main = await readQuantiser(cursor, columns, what);
  if (codeBytes !== rows * main.parts) {
    cursor.fail(`has ${codeBytes} codes for ${rows} rows of ${main.parts} codes in the ${what}`);
  }
  const matrix: StoredMatrix = { kind: 'quantised', rows, columns, codes, ...main };
  if (norms) {
    cursor.expect(rows, 1, `norms of the ${what}`);
    const normCodes = cursor.position;
    cursor.skip(rows);
    const norm = await readQuantiser(cursor, 1, `norms of the ${what}`);
    matrix.norms = { codes: normCodes, centroids: norm.centroids };
  }
  return matrix;
}

/** A product quantiser for vectors of `columns` numbers; leaves the cursor behind its centroids. */
async function readQuantiser(
  cursor: FileCursor,
  columns: number,
  what: string,
): Promise<{ parts: number; partSize: number; lastSize: number; centroids: number }> {
  await cursor.need(16);
  const dim = cursor.int32();
  const parts = cursor.int32();
  const partSize = cursor.int32();
  const lastSize = cursor.int32();
  if (
    dim !== columns ||
    parts < 1 ||
    partSize < 1 ||
    lastSize < 1 ||
    lastSize > partSize ||
    (parts - 1) * partSize + lastSize !== columns
  ) {
    cursor.fail(
      `cuts vectors of ${columns} into ${parts} parts of ${partSize}, the last of ${lastSize}, in the ${what}`,
    );
  }
  cursor.expect(columns * 256, 4, `centroids of the ${what}`);
  const centroids = cursor.position;
  cursor.skip(columns * 1024);
  return { parts, partSize, lastSize, centroids };
}

/** How a matrix is kept: as it is stored, unpacked with norms multiplied in, or unpacked with norms beside it. */
export type MatrixForm = 'stored' | 'unpacked' | 'norms-apart';

/** Plans where `stored` goes; `place` hands out sections. */
export function layMatrix(
  stored: StoredMatrix,
  form: MatrixForm,
  place: (length: number, bytes: number) => Section,
): DenseMatrixData | QuantisedMatrixData {
  const { rows, columns } = stored;
  if (stored.kind === 'dense' || form !== 'stored') {
    const weights = place(rows * columns, 4);
    const apart = stored.kind === 'quantised' && stored.norms !== undefined && form === 'norms-apart';
    return { kind: 'dense', rows, columns, weights, ...(apart ? { norms: place(rows, 4) } : {}) };
  }
  const { parts, partSize, lastSize, norms } = stored;
  return {
    ...{ kind: 'quantised', rows, columns, parts, partSize, lastSize },
    codes: place(rows * parts, 1),
    centroids: place(columns * 256, 4),
    ...(norms === undefined ? {} : { normCodes: place(rows, 1), normCentroids: place(256, 4) }),
  };
}

/** Reads the contents of `stored` to where `matrix` says. */
export async function fillMatrix(
  cursor: FileCursor,
  stored: StoredMatrix,
  matrix: DenseMatrixData | QuantisedMatrixData,
  memory: WebAssembly.Memory,
): Promise<void> {
  const copy = (section: Section, bytes: number, position: number): Promise<void> =>
    cursor.copy(bytesOf(memory, { offset: section.offset, length: section.length * bytes }), position);
  if (stored.kind === 'dense') {
    invariant(matrix.kind === 'dense', 'a dense matrix is kept dense');
    await copy(matrix.weights, 4, stored.weights);
  } else if (matrix.kind === 'dense') {
    await unpack(cursor, stored, matrix, memory);
  } else {
    await copy(matrix.codes, 1, stored.codes);
    await copy(matrix.centroids, 4, stored.centroids);
    if (stored.norms !== undefined && matrix.normCodes !== undefined && matrix.normCentroids !== undefined) {
      await copy(matrix.normCodes, 1, stored.norms.codes);
      await copy(matrix.normCentroids, 4, stored.norms.centroids);
    }
  }
}

async function unpack(
  cursor: FileCursor,
  stored: StoredMatrix & { kind: 'quantised' },
  matrix: DenseMatrixData,
  memory: WebAssembly.Memory,
): Promise<void> {
  const { rows, columns, parts, partSize, lastSize } = stored;
  const bytesAt = async (length: number, position: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(length);
    await cursor.copy(bytes, position);
    return bytes;
  };
  const floatsAt = async (length: number, position: number): Promise<Float32Array> =>
    new Float32Array((await bytesAt(length * 4, position)).buffer);
  const codes = await bytesAt(rows * parts, stored.codes);
  const centroids = await floatsAt(columns * 256, stored.centroids);
  const norms = new Float32Array(rows).fill(1);
  if (stored.norms !== undefined) {
    const normCodes = await bytesAt(rows, stored.norms.codes);
    const normCentroids = await floatsAt(256, stored.norms.centroids);
    for (let row = 0; row < rows; row++) norms[row] = normCentroids[normCodes[row]!]!;
  }
  const weights = floats(memory, matrix.weights);
  if (matrix.norms !== undefined) {
    floats(memory, matrix.norms).set(norms);
    norms.fill(1);
  }
  for (let row = 0, to = 0; row < rows; row++) {
    const norm = norms[row]!;
    for (let part = 0; part < parts; part++) {
      const size = part === parts - 1 ? lastSize : partSize;
      let from = part * 256 * partSize + codes[row * parts + part]! * size;
      for (const end = from + size; from < end; from++, to++) weights[to] = norm * centroids[from]!;
    }
  }
}
