/**
 * Arrow decimals as exact integers and as text: little-endian two's complement in 32-bit words, no floating point on the way.
 */

/** The unscaled value in `words[at, at + n)`. */
export function decimalToBigInt(words: ArrayLike<number>, at: number, n: number): bigint {
  let value = 0n;
  for (let i = n - 1; i >= 0; i--) value = (value << 32n) | BigInt(words[at + i]! >>> 0);
  return BigInt.asIntN(n * 32, value);
}

/** Decimal notation with exactly `scale` digits behind the point. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}
