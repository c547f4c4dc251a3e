/**
 * Just enough of an assembler to write a small WebAssembly module in TypeScript: instructions are functions of their operands and
 * answer bytes, so code reads as expressions (`i64.mul(get(x), get(y))`), and loops of TypeScript unroll loops of WebAssembly.
 *
 * One memory, exported as `memory`; functions with parameters and locals of type i32 and i64, no tables, no imports. Nothing is checked here:
 * `new WebAssembly.Module` validates. Source: WebAssembly core specification 2.0, section 5 (binary format).
 */

/** Encoded instructions. */
export type Code = readonly number[];
export type ValueType = 'i32' | 'i64';

const typeCode = { i32: 0x7f, i64: 0x7e } as const;

/** Signed or unsigned LEB128: `value` is emitted as signed, which is right for constants; sizes and indices are below 2^31. */
function signedLeb(value: bigint): number[] {
  const out: number[] = [];
  for (;;) {
    const byte = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && (byte & 0x40) === 0) || (value === -1n && (byte & 0x40) !== 0))
      return [...out, byte];
    out.push(byte | 0x80);
  }
}

function leb(value: number): number[] {
  const out: number[] = [];
  for (; value > 0x7f; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return [...out, value];
}

type Operation = (...operands: Code[]) => Code;
const operation =
  (code: number): Operation =>
  (...operands) => [...operands.flat(), code];
/** A load or store; `offset` is added to the address. Alignment is declared as 1: addresses may be any. */
const access =
  (code: number) =>
  (offset: number, ...operands: Code[]): Code => [...operands.flat(), code, 0, ...leb(offset)];

export const i32 = {
  const: (value: number): Code => [0x41, ...signedLeb(BigInt(value | 0))],
  eqz: operation(0x45),
  eq: operation(0x46),
  lt: operation(0x49),
  le: operation(0x4d),
  ge: operation(0x4f),
  add: operation(0x6a),
  sub: operation(0x6b),
  mul: operation(0x6c),
  and: operation(0x71),
  or: operation(0x72),
  xor: operation(0x73),
  shl: operation(0x74),
  shr: operation(0x76),
  rotl: operation(0x77),
  wrap: operation(0xa7),
  load: access(0x28),
  load8: access(0x2d),
  store: access(0x36),
  store8: access(0x3a),
};

export const i64 = {
  const: (value: bigint): Code => [0x42, ...signedLeb(BigInt.asIntN(64, value))],
  lt: operation(0x54),
  ge: operation(0x5a),
  add: operation(0x7c),
  sub: operation(0x7d),
  mul: operation(0x7e),
  and: operation(0x83),
  or: operation(0x84),
  xor: operation(0x85),
  shl: operation(0x86),
  shr: operation(0x88),
  rotl: operation(0x89),
  extend: operation(0xad),
  load: access(0x29),
  load8: access(0x31),
  load32: access(0x35),
  store: access(0x37),
};

export const get = (local: number): Code => [0x20, ...leb(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...leb(local)];
/** Sets and leaves the value on the stack. */
export const tee = (local: number, value: Code): Code => [...value, 0x22, ...leb(local)];
export const call = (index: number, ...operands: Code[]): Code => [...operands.flat(), 0x10, ...leb(index)];
/** `yes` if `condition` is not 0, else `no`; both are computed. */
export const select = (yes: Code, no: Code, condition: Code): Code => [...yes, ...no, ...condition, 0x1b];
export const block = (...code: Code[]): Code => code.flat();
export const when = (condition: Code, ...code: Code[]): Code => [
  ...condition,
  ...[0x04, 0x40],
  ...code.flat(),
  0x0b,
];
/** Repeats `code` while `condition` holds; tested first. */
export const loopWhile = (condition: Code, ...code: Code[]): Code => [
  ...[0x02, 0x40, 0x03, 0x40],
  ...condition,
  ...[0x45, 0x0d, 1],
  ...code.flat(),
  ...[0x0c, 0, 0x0b, 0x0b],
];
/** Repeats `code` as long as `condition` holds after it: at least once. */
export const loopUntilFalse = (condition: Code, ...code: Code[]): Code => [
  ...[0x03, 0x40],
  ...code.flat(),
  ...condition,
  ...[0x0d, 0, 0x0b],
];

export interface WasmFunction {
  /** Exported under this name. */
  name: string;
  parameters: readonly ValueType[];
  result?: ValueType;
  locals: readonly ValueType[];
  body: Code;
}

/** The module's bytes. Functions are numbered in the order given; `pages`: 64 KiB pages of memory at the start. */
export function assemble(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const text = (name: string): number[] => [...leb(name.length), ...[...name].map((c) => c.charCodeAt(0))];
  const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const types = functions.map((f) => [
    0x60,
    ...vector(f.parameters.map((type) => [typeCode[type]])),
    ...vector(f.result === undefined ? [] : [[typeCode[f.result]]]),
  ]);
  const bodies = functions.map((f) => {
    const code = [...vector(f.locals.map((type) => [1, typeCode[type]])), ...f.body, 0x0b];
    return [...leb(code.length), ...code];
  });
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => leb(index)))),
    ...section(5, vector([[0, ...leb(pages)]])),
    ...section(
      7,
      vector([
        [...text('memory'), 2, 0],
        ...functions.map((f, index) => [...text(f.name), 0, ...leb(index)]),
      ]),
    ),
    ...section(10, vector(bodies)),
  ]);
}
