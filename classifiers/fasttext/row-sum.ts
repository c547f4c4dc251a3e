/**
 * The vector of a text: the mean of the rows of the input matrix that its features select, summed in order in 32-bit floats.
 * Rows are collected in a small buffer and added by the kernels when it is full. One per predictor (it owns scratch memory).
 */

import type { FastTextData } from './model-data.ts';
import { type RowKernels, rowKernels } from './row-kernels.ts';

/** Rows collected before they are added. Few enough for the rows to stay in the cache between stripes. */
const bufferedRows = 256;
const pageBytes = 65_536;

export class RowSum {
  /** Rows waiting to be added. */
  readonly pending: Int32Array;
  waiting = 0;
  /** float32 [dim]: the sum, after `finish` the mean. */
  readonly hidden: Float32Array;
  /** float32 [labels]: what `products` wrote. */
  readonly output: Float32Array;
  readonly #kernels: RowKernels;
  readonly #data: FastTextData;
  readonly #hiddenEnd: number;
  readonly #rows: number;
  readonly #out: number;
  #added = 0;

  constructor(data: FastTextData) {
    const { dim } = data.settings;
    const hiddenBytes = Math.ceil(dim / 4) * 16;
    this.#rows = hiddenBytes;
    this.#out = hiddenBytes + bufferedRows * 4;
    const pages = Math.ceil((this.#out + data.labels * 4) / pageBytes);
    const scratch = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.hidden = new Float32Array(scratch.buffer, 0, dim);
    this.pending = new Int32Array(scratch.buffer, this.#rows, bufferedRows);
    this.output = new Float32Array(scratch.buffer, this.#out, data.labels);
    this.#hiddenEnd = hiddenBytes;
    this.#kernels = rowKernels(scratch, data.memory, data.wide);
    this.#data = data;
  }

  start(): void {
    this.hidden.fill(0);
    this.waiting = 0;
    this.#added = 0;
  }

  push(row: number): void {
    this.pending[this.waiting++] = row;
    if (this.waiting === bufferedRows) this.flush();
  }

  /** rows [from, to), in order. */
  pushAll(rows: Int32Array, from: number, to: number): void {
    while (from < to) {
      const { pending } = this;
      const count = Math.min(to - from, bufferedRows - this.waiting);
      for (let i = 0, at = this.waiting; i < count; i++, at++) pending[at] = rows[from + i]!;
      from += count;
      this.waiting += count;
      if (this.waiting === bufferedRows) this.flush();
    }
  }

  flush(): void {
    if (this.waiting === 0) return;
    const { input } = this.#data;
    const end = this.#rows + this.waiting * 4;
    if (input.kind === 'dense') {
      const stride = input.columns * 4;
      this.#kernels.addRows(this.#rows, end, 0, this.#hiddenEnd, input.weights.offset, stride);
    } else {
      this.#kernels.addCodes(
        this.#rows,
        end,
        0,
        input.codes.offset,
        input.centroids.offset,
        input.normCodes?.offset ?? 0,
        input.normCentroids?.offset ?? 0,
        input.normCodes === undefined ? 0 : 1,
        input.parts,
        input.partSize,
        input.lastSize,
      );
    }
    this.#added += this.waiting;
    this.waiting = 0;
  }

  /** Turns the sum into the mean and returns the number of rows in it; 0 leaves zeros. */
  finish(): number {
    this.flush();
    if (this.#added === 0) return 0;
    const share = Math.fround(1 / this.#added);
    const { hidden } = this;
    for (let i = 0; i < hidden.length; i++) hidden[i] = hidden[i]! * share;
    return this.#added;
  }

  /** output[i] = hidden . (row `first` + i of the output matrix), for `count` rows. */
  products(first: number, count: number): Float32Array {
    const { output } = this.#data;
    const stride = output.columns * 4;
    const base = output.weights.offset + first * stride;
    this.#kernels.dotRows(this.#out, this.#out + count * 4, 0, this.hidden.length * 4, base, stride);
    return this.output;
  }
}
