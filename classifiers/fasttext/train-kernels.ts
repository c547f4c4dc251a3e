/**
 * The inner loops of fastText training as WebAssembly, beside those of row-kernels.ts (which make the hidden vector and the products):
 *   fillUniform   weights drawn uniformly, as the reference draws them;
 *   addToRows     matrix[row] += gradient, for a list of rows, four floats at a time;
 *   outputStep    gradient += alpha * row and row += alpha * hidden, in one pass over a row of the output matrix.
 *
 * Each product and each sum is rounded to 32 bits, without fused multiply-add, in the order of the reference; so weights equal those of a
 * fastText built without FMA (Debian's) bit for bit. addToRows works in blocks of four floats: the lanes of the gradient beyond the
 * dimension must hold -0, which changes no number it is added to.
 * The two memories are those of row-kernels.ts; `model` is written here.
 * Source of the loops: fastText 0.9.3, densematrix.cc, model.cc, loss.cc; libstdc++ random.tcc (generate_canonical) for the draw.
 */
import { addresses, advance, kernels, modelMemory, scratchMemory } from './row-kernels.ts';
import { type Code, op, type, type WasmFunction } from './wasm-module.ts';

/** Addresses in bytes. */
export interface TrainKernels {
  /**
   * `count` floats from `base` of the model on, each drawn from [-bound, bound). `state`: where scratch keeps the generator's int64, which
   * moves on by two numbers a float.
   */
  fillUniform(base: number, count: number, bound: number, state: number): void;
  /** Adds the gradient [gradient, gradientEnd) to the rows listed in scratch at [rows, end). */
  addToRows(
    rows: number,
    end: number,
    gradient: number,
    gradientEnd: number,
    base: number,
    stride: number,
  ): void;
  /** `row`: address in the model; the gradient lies at [gradient, gradientEnd), exactly as long as a row. */
  outputStep(row: number, hidden: number, gradient: number, gradientEnd: number, alpha: number): void;
}

/** minstd_rand: state = state * 48271 mod (2^31 - 1). */
const factor = 48_271;
const modulus = 2 ** 31 - 1;
/** Numbers the generator can give. */
const range = 2 ** 31 - 2;

/** The kernels over these memories. `wide`: `model` was made with 64-bit addresses. */
export function trainKernels(
  scratch: WebAssembly.Memory,
  model: WebAssembly.Memory,
  wide: boolean,
): TrainKernels {
  const functions = (): WasmFunction[] => [fillUniform(wide), addToRows(wide), outputStep(wide)];
  return kernels('training', functions, scratch, model, wide) as unknown as TrainKernels;
}

function fillUniform(wide: boolean): WasmFunction {
  const address = addresses(wide);
  const [base, count, bound, state] = [0, 1, 2, 3];
  const [here, drawn, product, first, value] = [4, 5, 6, 7, 8];
  /** drawn = drawn * factor mod modulus, by folding the bits above the 31st; leaves drawn - 1 as a double on the stack. */
  const draw: Code = [
    [op.get(drawn), op.constI64(factor), op.mulI64, op.set(product)],
    [op.get(product), op.constI64(modulus), op.andI64],
    [op.get(product), op.constI64(31), op.shiftRightI64, op.addI64, op.set(drawn)],
    [op.get(drawn), op.constI64(modulus), op.subI64, op.get(drawn)],
    [op.get(drawn), op.constI64(modulus), op.notLessI64, op.select, op.set(drawn)],
    [op.get(drawn), op.constI64(1), op.subI64, op.doubleOfI64],
  ];
  return {
    name: 'fillUniform',
    parameters: [type.f64, type.i32, type.f64, type.i32],
    locals: [address.type, type.i64, type.i64, type.f64, type.f64],
    body: [
      [address.from(base), op.set(here)],
      [op.get(state), op.loadI64(scratchMemory), op.set(drawn)],
      op.block(
        op.loop([
          [op.get(count), op.constI32(1), op.lessI32, op.breakIf(1)],
          [draw, op.set(first)],
          [op.get(first), draw, op.constF64(range), op.mulF64, op.addF64],
          [op.constF64(range * range), op.divF64, op.constF64(1 - 2 ** -53), op.minF64, op.set(value)],
          // value * (high - low) + low
          [op.get(here), op.get(value), op.get(bound), op.get(bound), op.addF64, op.mulF64],
          [op.get(bound), op.constF64(-1), op.mulF64, op.addF64, op.toF32, op.storeF32(modelMemory)],
          [op.get(here), address.constant(4), address.add, op.set(here)],
          [op.get(count), op.constI32(1), op.subI32, op.set(count)],
          op.breakTo(0),
        ]),
      ),
      [op.get(state), op.get(drawn), op.storeI64(scratchMemory)],
    ],
  };
}

function addToRows(wide: boolean): WasmFunction {
  const address = addresses(wide);
  const [row, end, gradient, gradientEnd, base, stride] = [0, 1, 2, 3, 4, 5];
  const [origin, here, from] = [6, 7, 8];
  const blocks = (vectors: number): Code => {
    const lanes = Array.from({ length: vectors }, (_, index) => index);
    return op.block(
      op.loop([
        [op.get(from), op.constI32(16 * vectors), op.addI32, op.get(gradientEnd), op.greaterI32],
        op.breakIf(1),
        lanes.map(
          (i): Code => [
            [op.get(here), op.get(here), op.loadV128(modelMemory, 16 * i)],
            [op.get(from), op.loadV128(scratchMemory, 16 * i), op.addF32x4],
            op.storeV128(modelMemory, 16 * i),
          ],
        ),
        advance(from, 16 * vectors),
        [op.get(here), address.constant(16 * vectors), address.add, op.set(here)],
        op.breakTo(0),
      ]),
    );
  };
  return {
    name: 'addToRows',
    parameters: [type.i32, type.i32, type.i32, type.i32, type.f64, type.i32],
    locals: [address.type, address.type, type.i32],
    body: [
      [address.from(base), op.set(origin)],
      op.loop([
        [op.get(origin), op.get(row), op.loadI32(scratchMemory), address.offset],
        [op.get(stride), address.offset, address.mul, address.add, op.set(here)],
        [op.get(gradient), op.set(from)],
        blocks(8),
        blocks(1),
        advance(row, 4),
        [op.get(row), op.get(end), op.lessI32, op.breakIf(0)],
      ]),
    ],
  };
}

function outputStep(wide: boolean): WasmFunction {
  const address = addresses(wide);
  const [row, hidden, gradient, gradientEnd, alpha] = [0, 1, 2, 3, 4];
  const [here, alphas] = [5, 6];
  const next = (bytes: number): Code => [
    advance(hidden, bytes),
    advance(gradient, bytes),
    [op.get(here), address.constant(bytes), address.add, op.set(here)],
  ];
  return {
    name: 'outputStep',
    parameters: [type.f64, type.i32, type.i32, type.i32, type.f32],
    locals: [address.type, type.v128],
    body: [
      [address.from(row), op.set(here)],
      [op.get(alpha), op.splatF32x4, op.set(alphas)],
      op.block(
        op.loop([
          [op.get(gradient), op.constI32(16), op.addI32, op.get(gradientEnd), op.greaterI32, op.breakIf(1)],
          [op.get(gradient), op.get(gradient), op.loadV128(scratchMemory)],
          [op.get(alphas), op.get(here), op.loadV128(modelMemory), op.mulF32x4, op.addF32x4],
          op.storeV128(scratchMemory),
          [op.get(here), op.get(here), op.loadV128(modelMemory)],
          [op.get(alphas), op.get(hidden), op.loadV128(scratchMemory), op.mulF32x4, op.addF32x4],
          op.storeV128(modelMemory),
          next(16),
          op.breakTo(0),
        ]),
      ),
      op.block(
        op.loop([
          [op.get(gradient), op.get(gradientEnd), op.notLessI32, op.breakIf(1)],
          [op.get(gradient), op.get(gradient), op.loadF32(scratchMemory)],
          [op.get(alpha), op.get(here), op.loadF32(modelMemory), op.mulF32, op.addF32],
          op.storeF32(scratchMemory),
          [op.get(here), op.get(here), op.loadF32(modelMemory)],
          [op.get(alpha), op.get(hidden), op.loadF32(scratchMemory), op.mulF32, op.addF32],
          op.storeF32(modelMemory),
          next(4),
          op.breakTo(0),
        ]),
      ),
    ],
  };
}
