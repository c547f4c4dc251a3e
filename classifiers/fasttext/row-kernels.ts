/**
 * The inner loops of fastText prediction as WebAssembly:
 *   addRows    hidden += matrix[row], for a list of rows of a dense matrix, four floats at a time;
 *   addCodes   the same for a product-quantised matrix (codes, centroids, perhaps norms);
 *   dotRows    out[i] = matrix[i] . hidden, for consecutive rows, four rows side by side.
 *
 * Why not JavaScript: it has no 32-bit float arithmetic of its own; each addition goes through a double and back. Order is that of
 * the reference: rows in the order listed, products within a row from left to right, each rounded to 32 bits, no fused
 * multiply-add. So hidden vectors equal those of a fastText built without FMA bit for bit.
 *
 * Two memories: `model` (only read; may be shared by threads; 64-bit addresses when above 4 GiB) and `scratch` (one per predictor).
 * Rows are not checked here. addRows works in blocks of four floats: it reads up to 12 bytes past a row, and what it leaves in hidden
 * beyond the dimension means nothing.
 * Source of the loops: fastText 0.9.3, densematrix.cc and productquantizer.cc.
 */
import { type Code, op, type, type WasmFunction, wasmModule } from './wasm-module.ts';

/** Addresses in bytes. Those of the model are plain numbers whatever its size. */
export interface RowKernels {
  /** Adds the rows listed in scratch at [rows, end) (int32 each, at least one) to hidden. `stride`: bytes a row. */
  addRows(rows: number, end: number, hidden: number, hiddenEnd: number, base: number, stride: number): void;
  /** `norms` 1 or 0; a row is `parts` codes, each for `partSize` floats, the last for `lastSize`. */
  addCodes(
    rows: number,
    end: number,
    hidden: number,
    codes: number,
    centroids: number,
    normCodes: number,
    normCentroids: number,
    norms: number,
    parts: number,
    partSize: number,
    lastSize: number,
  ): void;
  /** One float per consecutive row from `base` on into scratch at [out, outEnd). */
  dotRows(out: number, outEnd: number, hidden: number, hiddenEnd: number, base: number, stride: number): void;
}

export const scratchMemory = 0;
export const modelMemory = 1;
const modules = new Map<string, WebAssembly.Module>();

/** The kernels over these memories. `wide`: `model` was made with 64-bit addresses. */
export function rowKernels(
  scratch: WebAssembly.Memory,
  model: WebAssembly.Memory,
  wide: boolean,
): RowKernels {
  const functions = (): WasmFunction[] => [addRows(wide), addCodes(wide), dotRows(wide)];
  return kernels('rows', functions, scratch, model, wide) as unknown as RowKernels;
}

/** Exports of the module of these functions, compiled once for each kind of memory. */
export function kernels(
  name: string,
  functions: () => WasmFunction[],
  scratch: WebAssembly.Memory,
  model: WebAssembly.Memory,
  wide: boolean,
): WebAssembly.Exports {
  const shared = model.buffer instanceof SharedArrayBuffer;
  const key = `${name} ${wide} ${shared}`;
  let module = modules.get(key);
  if (module === undefined) {
    const memories = [
      { name: 'scratch', shared: false, wide: false },
      { name: 'model', shared, wide },
    ];
    module = new WebAssembly.Module(wasmModule(memories, functions()));
    modules.set(key, module);
  }
  return new WebAssembly.Instance(module, { m: { scratch, model } }).exports;
}

/** Arithmetic on model addresses of either width. */
export function addresses(wide: boolean) {
  return {
    type: wide ? type.i64 : type.i32,
    add: wide ? op.addI64 : op.addI32,
    /** An f64 parameter as an address. */
    from: (local: number): Code => [op.get(local), wide ? op.truncateToI64 : op.truncateToI32],
    /** An i32 on the stack as an address offset. */
    offset: wide ? op.widen : [],
    mul: wide ? op.mulI64 : op.mulI32,
    constant: wide ? op.constI64 : op.constI32,
  };
}

/** local += bytes, for an i32 local. */
export const advance = (local: number, bytes: number): Code => [
  op.get(local),
  op.constI32(bytes),
  op.addI32,
  op.set(local),
];

function addRows(wide: boolean): WasmFunction {
  const address = addresses(wide);
  const [rows, end, hidden, hiddenEnd, base, stride] = [0, 1, 2, 3, 4, 5];
  const [row, origin, here, sum] = [6, 7, 8, 9];
  /** Adds `vectors` blocks of 16 bytes of every row, then moves on to the next blocks. */
  const stripe = (vectors: number): Code => {
    const lanes = Array.from({ length: vectors }, (_, index) => index);
    return [
      lanes.map((i): Code => [op.get(hidden), op.loadV128(scratchMemory, 16 * i), op.set(sum + i)]),
      [op.get(rows), op.set(row)],
      op.loop([
        [op.get(origin), op.get(row), op.loadI32(scratchMemory), address.offset],
        [op.get(stride), address.offset, address.mul, address.add, op.set(here)],
        lanes.map(
          (i): Code => [
            [op.get(sum + i), op.get(here), op.loadV128(modelMemory, 16 * i)],
            [op.addF32x4, op.set(sum + i)],
          ],
        ),
        advance(row, 4),
        [op.get(row), op.get(end), op.lessI32, op.breakIf(0)],
      ]),
      lanes.map((i): Code => [op.get(hidden), op.get(sum + i), op.storeV128(scratchMemory, 16 * i)]),
      advance(hidden, 16 * vectors),
      [op.get(origin), address.constant(16 * vectors), address.add, op.set(origin)],
    ];
  };
  return {
    name: 'addRows',
    parameters: [type.i32, type.i32, type.i32, type.i32, type.f64, type.i32],
    locals: [type.i32, address.type, address.type, ...Array.from({ length: 8 }, () => type.v128)],
    body: [
      [address.from(base), op.set(origin)],
      [8, 4, 1].map(
        (vectors): Code =>
          op.block(
            op.loop([
              [op.get(hidden), op.constI32(16 * vectors), op.addI32],
              [op.get(hiddenEnd), op.greaterI32, op.breakIf(1)],
              stripe(vectors),
              op.breakTo(0),
            ]),
          ),
      ),
    ],
  };
}

function addCodes(wide: boolean): WasmFunction {
  const address = addresses(wide);
  const [row, end, hidden, codes, centroids, normCodes, normCentroids, norms] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [parts, partSize, lastSize] = [8, 9, 10];
  const [norm, code, group, centroid, part, size, to] = [11, 12, 13, 14, 15, 16, 17];
  return {
    name: 'addCodes',
    parameters: [
      ...[type.i32, type.i32, type.i32, type.f64, type.f64, type.f64, type.f64, type.i32],
      ...[type.i32, type.i32, type.i32],
    ],
    locals: [type.f32, address.type, address.type, address.type, type.i32, type.i32, type.i32],
    body: op.loop([
      [op.constF32(1), op.set(norm)],
      [op.get(norms)],
      op.if([
        [address.from(normCentroids), address.from(normCodes)],
        [op.get(row), op.loadI32(scratchMemory), address.offset, address.add],
        [op.loadByte(modelMemory), op.constI32(4), op.mulI32, address.offset, address.add],
        [op.loadF32(modelMemory), op.set(norm)],
      ]),
      [address.from(codes), op.get(row), op.loadI32(scratchMemory), address.offset],
      [op.get(parts), address.offset, address.mul, address.add, op.set(code)],
      [address.from(centroids), op.set(group)],
      [op.constI32(0), op.set(part), op.get(hidden), op.set(to)],
      op.loop([
        // size: floats of this part
        [op.get(lastSize), op.get(partSize)],
        [op.get(part), op.get(parts), op.constI32(1), op.subI32, op.equalI32, op.select, op.set(size)],
        [op.get(group), op.get(code), op.loadByte(modelMemory), op.get(size), op.mulI32],
        [op.constI32(4), op.mulI32, address.offset, address.add, op.set(centroid)],
        op.loop([
          [op.get(to), op.get(to), op.loadF32(scratchMemory)],
          [op.get(norm), op.get(centroid), op.loadF32(modelMemory), op.mulF32],
          [op.addF32, op.storeF32(scratchMemory)],
          advance(to, 4),
          [op.get(centroid), address.constant(4), address.add, op.set(centroid)],
          [op.get(size), op.constI32(1), op.subI32, op.set(size)],
          [op.get(size), op.breakIf(0)],
        ]),
        // The next part has its own 256 centroids of partSize floats.
        [op.get(group), op.get(partSize), op.constI32(1024), op.mulI32, address.offset, address.add],
        [op.set(group), op.get(code), address.constant(1), address.add, op.set(code)],
        advance(part, 1),
        [op.get(part), op.get(parts), op.lessI32, op.breakIf(0)],
      ]),
      advance(row, 4),
      [op.get(row), op.get(end), op.lessI32, op.breakIf(0)],
    ]),
  };
}

function dotRows(wide: boolean): WasmFunction {
  const address = addresses(wide);
  const [out, outEnd, hidden, hiddenEnd, base, stride] = [0, 1, 2, 3, 4, 5];
  const [origin, from, pointers, sums] = [6, 7, 8, 12];
  /** The products of `count` rows, each summed from left to right. */
  const rows = (count: number): Code => {
    const lanes = Array.from({ length: count }, (_, index) => index);
    return [
      lanes.map((i): Code => [op.constF32(0), op.set(sums + i)]),
      lanes.map(
        (i): Code => [
          [op.get(origin), op.set(pointers + i)],
          [op.get(origin), op.get(stride), address.offset, address.add, op.set(origin)],
        ],
      ),
      [op.get(hidden), op.set(from)],
      op.loop([
        lanes.map(
          (i): Code => [
            [op.get(sums + i), op.get(pointers + i), op.loadF32(modelMemory)],
            [op.get(from), op.loadF32(scratchMemory), op.mulF32, op.addF32, op.set(sums + i)],
            [op.get(pointers + i), address.constant(4), address.add, op.set(pointers + i)],
          ],
        ),
        advance(from, 4),
        [op.get(from), op.get(hiddenEnd), op.lessI32, op.breakIf(0)],
      ]),
      lanes.map((i): Code => [op.get(out), op.get(sums + i), op.storeF32(scratchMemory, 4 * i)]),
      advance(out, 4 * count),
    ];
  };
  return {
    name: 'dotRows',
    parameters: [type.i32, type.i32, type.i32, type.i32, type.f64, type.i32],
    locals: [
      ...[address.type, type.i32, address.type, address.type, address.type, address.type],
      ...[type.f32, type.f32, type.f32, type.f32],
    ],
    body: [
      [address.from(base), op.set(origin)],
      [4, 1].map(
        (count): Code =>
          op.block(
            op.loop([
              [op.get(out), op.constI32(4 * count), op.addI32],
              [op.get(outEnd), op.greaterI32, op.breakIf(1)],
              rows(count),
              op.breakTo(0),
            ]),
          ),
      ),
    ],
  };
}
