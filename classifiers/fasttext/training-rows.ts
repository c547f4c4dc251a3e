/**
 * One training step's numbers: the rows of the input matrix that a line selects, their mean (hidden), the products with output rows, the
 * gradient, and its way back into both matrices. Owns scratch memory, which grows with the longest line. The arithmetic is in
 * row-kernels.ts and train-kernels.ts.
 */
import { UserError } from '../../src/core/errors.ts';
import type { DenseMatrixData, FastTextData } from './model-data.ts';
import { type RowKernels, rowKernels } from './row-kernels.ts';
import type { RowSink } from './text-features.ts';
import { type TrainKernels, trainKernels } from './train-kernels.ts';

const pageBytes = 65_536;
/** Rows gone through together, few enough to stay in the cache between stripes of columns. */
const rowsTogether = 256;

export class TrainingRows implements RowSink {
  /** How many rows the line selects. */
  count = 0;
  /** float32 [labels]: what `products` wrote. */
  output: Float32Array;
  readonly #dim: number;
  readonly #labels: number;
  readonly #input: DenseMatrixData;
  readonly #outputMatrix: DenseMatrixData;
  readonly #scratch: WebAssembly.Memory;
  readonly #kernels: RowKernels;
  readonly #train: TrainKernels;
  /** Addresses: hidden at 0, then the gradient, the products, the rows. */
  readonly #gradientAt: number;
  readonly #outputAt: number;
  readonly #rowsAt: number;
  #hidden!: Float32Array;
  #gradient!: Float32Array;
  #rows!: Int32Array;

  constructor(data: FastTextData, input: DenseMatrixData) {
    const { labels } = data;
    this.#dim = data.settings.dim;
    this.#labels = labels;
    this.#input = input;
    this.#outputMatrix = data.output;
    const vectorBytes = Math.ceil(this.#dim / 4) * 16;
    this.#gradientAt = vectorBytes;
    this.#outputAt = 2 * vectorBytes;
    this.#rowsAt = this.#outputAt + 4 * labels;
    this.#scratch = new WebAssembly.Memory({ initial: Math.ceil(this.#rowsAt / pageBytes) + 1 });
    this.#kernels = rowKernels(this.#scratch, data.memory, data.wide);
    this.#train = trainKernels(this.#scratch, data.memory, data.wide);
    this.output = new Float32Array(0);
    this.#view();
  }

  #view(): void {
    const { buffer } = this.#scratch;
    this.#hidden = new Float32Array(buffer, 0, this.#dim);
    this.#gradient = new Float32Array(buffer, this.#gradientAt, Math.ceil(this.#dim / 4) * 4);
    this.output = new Float32Array(buffer, this.#outputAt, this.#labels);
    this.#rows = new Int32Array(buffer, this.#rowsAt, (buffer.byteLength - this.#rowsAt) >> 2);
  }

  /** Draws the first `count` weights of the input matrix from [-1/dim, 1/dim), with a generator seeded `seed`. Call before any line. */
  fillUniform(first: number, count: number, seed: number): void {
    // The generator's state stands where the rows of a line will.
    const state = new BigInt64Array(this.#scratch.buffer, Math.ceil(this.#rowsAt / 8) * 8, 1);
    state[0] = BigInt(seed);
    const bound = Math.fround(1 / this.#dim);
    for (let done = 0; done < count; ) {
      const some = Math.min(count - done, 1 << 24);
      const base = this.#input.weights.offset + 4 * (first + done);
      this.#train.fillUniform(base, some, bound, state.byteOffset);
      done += some;
    }
  }

  push(row: number): void {
    if (this.count === this.#rows.length) this.#grow(1);
    this.#rows[this.count++] = row;
  }

  pushAll(rows: Int32Array, from: number, to: number): void {
    if (this.count + to - from > this.#rows.length) this.#grow(to - from);
    for (let at = from; at < to; at++) this.#rows[this.count++] = rows[at]!;
  }

  #grow(by: number): void {
    const pages = Math.ceil((this.#rows.length + by) / (pageBytes / 4));
    try {
      this.#scratch.grow(pages);
    } catch {
      throw new UserError(`a line of the training data has more than ${this.#rows.length} features`, {
        hint: 'cut long texts into several examples (prepare: megamath, or a limit on length)',
      });
    }
    this.#view();
  }

  /** hidden = the mean of the rows; the gradient starts from zero. */
  average(): void {
    const hidden = this.#hidden.fill(0);
    const vectorBytes = this.#gradientAt;
    const stride = this.#input.columns * 4;
    const base = this.#input.weights.offset;
    for (let first = 0; first < this.count; first += rowsTogether) {
      const last = Math.min(this.count, first + rowsTogether);
      this.#kernels.addRows(this.#rowsAt + 4 * first, this.#rowsAt + 4 * last, 0, vectorBytes, base, stride);
    }
    const share = Math.fround(1 / this.count);
    for (let i = 0; i < hidden.length; i++) hidden[i] = hidden[i]! * share;
    this.#gradient.fill(0);
  }

  /** output[i] = hidden . (row `first` + i of the output matrix), for `count` rows. */
  products(first: number, count: number): Float32Array {
    const stride = this.#outputMatrix.columns * 4;
    const base = this.#outputMatrix.weights.offset + first * stride;
    this.#kernels.dotRows(this.#outputAt, this.#outputAt + count * 4, 0, this.#dim * 4, base, stride);
    return this.output;
  }

  /** Moves row `row` of the output matrix by alpha * hidden, after alpha * row went into the gradient. */
  outputStep(row: number, alpha: number): void {
    const address = this.#outputMatrix.weights.offset + row * this.#outputMatrix.columns * 4;
    this.#train.outputStep(address, 0, this.#gradientAt, this.#gradientAt + this.#dim * 4, alpha);
  }

  /** Adds the gradient, divided by the number of rows, to every row. */
  inputStep(): void {
    const gradient = this.#gradient;
    const share = Math.fround(1 / this.count);
    for (let i = 0; i < this.#dim; i++) gradient[i] = gradient[i]! * share;
    // The last block of a row reaches into the next one; adding -0 there changes nothing.
    for (let i = this.#dim; i < gradient.length; i++) gradient[i] = -0;
    const { weights, columns } = this.#input;
    const end = this.#rowsAt + 4 * this.count;
    const gradientEnd = this.#gradientAt + 4 * gradient.length;
    this.#train.addToRows(this.#rowsAt, end, this.#gradientAt, gradientEnd, weights.offset, columns * 4);
  }
}
