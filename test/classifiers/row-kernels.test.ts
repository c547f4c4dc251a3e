/** The WebAssembly kernels against plain loops in 32-bit floats, on odd shapes, shared and 64-bit memories. */
import { describe, expect, it } from 'vitest';
import { rowKernels } from '../../classifiers/fasttext/row-kernels.ts';

const { fround } = Math;

const memories: [name: string, wide: boolean, shared: boolean][] = [
  ['own', false, false],
  ['shared', false, true],
  ['64-bit', true, false],
  ['64-bit shared', true, true],
];

describe.each(memories)('over %s memory', (_, wide, shared) => {
  const scratch = new WebAssembly.Memory({ initial: 2 });
  const descriptor = wide
    ? { initial: 4n, maximum: 4n, address: 'i64', shared }
    : { initial: 4, maximum: 4, shared };
  const model = new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
  const kernels = rowKernels(scratch, model, wide);
  const weights = new Float32Array(model.buffer);
  const bytes = new Uint8Array(model.buffer);
  const floats = new Float32Array(scratch.buffer);
  const rows = new Int32Array(scratch.buffer);
  for (let i = 0; i < weights.length; i++) weights[i] = Math.sin(i * 0.7) * 10 ** (i % 5);

  it.each([1, 2, 3, 4, 5, 16, 17, 31, 33, 64, 100, 129])('addRows and dotRows in %d dimensions', (dim) => {
    const list = [5, 9, 2, 2, 7, 0];
    rows.set(list, 1000);
    floats.fill(0.25, 0, dim);
    const wanted = new Float32Array(dim).fill(0.25);
    for (const row of list) for (let i = 0; i < dim; i++) wanted[i]! += weights[16 + row * dim + i]!;
    kernels.addRows(4000, 4000 + 4 * list.length, 0, Math.ceil(dim / 4) * 16, 64, dim * 4);
    expect([...floats.subarray(0, dim)]).toEqual([...wanted]);

    for (const count of [1, 3, 4, 9]) {
      const products = Array.from({ length: count }, (_, row) => {
        let sum = 0;
        for (let i = 0; i < dim; i++) sum = fround(sum + fround(weights[32 + row * dim + i]! * wanted[i]!));
        return sum;
      });
      kernels.dotRows(8000, 8000 + 4 * count, 0, dim * 4, 128, dim * 4);
      expect([...floats.subarray(2000, 2000 + count)]).toEqual(products);
    }
  });

  it.each([
    [4, 2],
    [5, 2],
    [7, 3],
    [6, 6],
    [3, 1],
  ])('addCodes in %d dimensions, parts of %d', (dim, partSize) => {
    const parts = Math.ceil(dim / partSize);
    const lastSize = dim - (parts - 1) * partSize;
    const [codes, normCodes, centroids, normCentroids] = [200_000, 210_000, 64, 100_000];
    for (let i = 0; i < 100; i++) {
      bytes[codes + i] = (i * 37) % 256;
      bytes[normCodes + i] = (i * 91) % 256;
    }
    for (const norms of [0, 1]) {
      const list = [3, 0, 8, 8];
      rows.set(list, 1000);
      floats.fill(0, 0, dim);
      const wanted = new Float32Array(dim);
      for (const row of list) {
        const norm = norms === 1 ? weights[normCentroids / 4 + bytes[normCodes + row]!]! : 1;
        for (let i = 0; i < dim; i++) {
          const part = Math.floor(i / partSize);
          const size = part === parts - 1 ? lastSize : partSize;
          const code = bytes[codes + row * parts + part]!;
          const at = centroids / 4 + part * 256 * partSize + code * size + (i % partSize);
          wanted[i]! += fround(norm * weights[at]!);
        }
      }
      const end = 4000 + 4 * list.length;
      kernels.addCodes(
        4000,
        end,
        0,
        codes,
        centroids,
        normCodes,
        normCentroids,
        norms,
        parts,
        partSize,
        lastSize,
      );
      expect([...floats.subarray(0, dim)]).toEqual([...wanted]);
    }
  });
});
