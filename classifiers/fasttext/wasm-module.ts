/**
 * Writes a WebAssembly module from instruction lists: just the sections and instructions that row-kernels.ts and train-kernels.ts need.
 * An instruction is its bytes; code is a nested list of them, flattened when the module is made.
 * Source: WebAssembly core specification 3.0, sections 5.4 (instructions) and 5.5 (modules), with multiple memories and memory64.
 */

export type Code = readonly (number | Code)[];

export const type = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value = Math.floor(value / 128);
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** Signed LEB128 of a number of at most 32 bits. */
function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const done = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

/** `offset` bytes beyond the address, in memory number `memory`. No alignment is promised. */
const at = (memory: number, offset: number): Code => [0x40, ...leb(memory), ...leb(offset)];

export const op = {
  get: (local: number): Code => [0x20, ...leb(local)],
  set: (local: number): Code => [0x21, ...leb(local)],
  constI32: (value: number): Code => [0x41, ...signedLeb(value)],
  constI64: (value: number): Code => [0x42, ...signedLeb(value)],
  constF32: (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  constF64: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  addI32: [0x6a],
  subI32: [0x6b],
  mulI32: [0x6c],
  equalI32: [0x46],
  lessI32: [0x49],
  greaterI32: [0x4b],
  notLessI32: [0x4f],
  addI64: [0x7c],
  subI64: [0x7d],
  mulI64: [0x7e],
  andI64: [0x83],
  shiftRightI64: [0x88],
  notLessI64: [0x5a],
  doubleOfI64: [0xb9],
  addF64: [0xa0],
  mulF64: [0xa2],
  divF64: [0xa3],
  minF64: [0xa4],
  toF32: [0xb6],
  widen: [0xad],
  addF32: [0x92],
  mulF32: [0x94],
  truncateToI32: [0xab],
  truncateToI64: [0xb1],
  select: [0x1b],
  addF32x4: [0xfd, 0xe4, 0x01],
  mulF32x4: [0xfd, 0xe6, 0x01],
  splatF32x4: [0xfd, 0x13],
  loadI32: (memory: number, offset = 0): Code => [0x28, at(memory, offset)],
  loadI64: (memory: number, offset = 0): Code => [0x29, at(memory, offset)],
  storeI64: (memory: number, offset = 0): Code => [0x37, at(memory, offset)],
  loadByte: (memory: number, offset = 0): Code => [0x2d, at(memory, offset)],
  loadF32: (memory: number, offset = 0): Code => [0x2a, at(memory, offset)],
  storeF32: (memory: number, offset = 0): Code => [0x38, at(memory, offset)],
  loadV128: (memory: number, offset = 0): Code => [0xfd, 0x00, at(memory, offset)],
  storeV128: (memory: number, offset = 0): Code => [0xfd, 0x0b, at(memory, offset)],
  /** Runs `code`; `breakIf(0)` inside leaves it. */
  block: (code: Code): Code => [0x02, 0x40, code, 0x0b],
  /** Runs `code`; `breakIf(0)` inside starts it again. */
  loop: (code: Code): Code => [0x03, 0x40, code, 0x0b],
  breakTo: (depth: number): Code => [0x0c, ...leb(depth)],
  breakIf: (depth: number): Code => [0x0d, ...leb(depth)],
  if: (code: Code): Code => [0x04, 0x40, code, 0x0b],
} as const;

export interface WasmFunction {
  name: string;
  parameters: readonly number[];
  locals: readonly number[];
  body: Code;
}

export interface WasmMemory {
  name: string;
  shared: boolean;
  /** 64-bit addresses. */
  wide: boolean;
}

/** The module: memories imported from `m`, functions without results exported by name. */
export function wasmModule(
  memories: readonly WasmMemory[],
  functions: readonly WasmFunction[],
): Uint8Array<ArrayBuffer> {
  const name = (text: string): Code => [...leb(text.length), ...Buffer.from(text)];
  const vector = (items: readonly Code[]): Code => [...leb(items.length), ...items];
  const section = (id: number, items: readonly Code[]): Code => {
    const bytes = flatten(vector(items));
    return [id, ...leb(bytes.length), bytes];
  };
  const signatures = functions.map(
    ({ parameters }): Code => [0x60, ...leb(parameters.length), ...parameters, 0],
  );
  // A shared memory has to declare a maximum; any memory of at most that size fits.
  const imports = memories.map(({ name: field, shared, wide }): Code => {
    const limit = wide ? 262_144 : 65_536;
    return [name('m'), name(field), 0x02, (wide ? 4 : 0) | (shared ? 3 : 0), 0, shared ? leb(limit) : []];
  });
  const bodies = functions.map(({ locals, body }): Code => {
    const bytes = flatten([vector(locals.map((local): Code => [1, local])), body, 0x0b]);
    return [...leb(bytes.length), bytes];
  });
  return Uint8Array.from(
    flatten([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, signatures),
      section(2, imports),
      section(
        3,
        functions.map((_, index): Code => leb(index)),
      ),
      section(
        7,
        functions.map((fn, index): Code => [name(fn.name), 0x00, ...leb(index)]),
      ),
      section(10, bodies),
    ]),
  );
}

function flatten(code: Code, into: number[] = []): number[] {
  for (const item of code) {
    if (typeof item === 'number') into.push(item);
    else flatten(item, into);
  }
  return into;
}
