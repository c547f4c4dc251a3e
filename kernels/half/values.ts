/**
 * Numbers of half precision (IEEE binary16) in pairs: element i is the low half of word i / 2 for an even i, the high half for an odd one.
 * That is what unpack2x16float reads and how an `array<f16>` lies in memory. For references and tests; on the GPU pack.wgsl does it.
 */

/** Values rounded to the nearest half, ties to even, in pairs. An odd count is filled up with zero. */
export function packHalves(values: ArrayLike<number>): Uint32Array {
  const halves = new Float16Array(values.length + (values.length % 2));
  halves.set(values);
  return new Uint32Array(halves.buffer);
}

/** The first `size` values of packed pairs. */
export function unpackHalves(packed: Uint32Array, size: number): Float64Array {
  return Float64Array.from(new Float16Array(packed.buffer, packed.byteOffset, size));
}
