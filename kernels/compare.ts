/**
 * Compares a kernel's output with its reference: |a - b| <= tolerance * (1 + scale) per element, where scale is the largest
 * absolute value of the reference. Reports the first faults (llm.c's check).
 */
export interface Comparison {
  readonly faults: readonly string[];
  readonly largestError: number;
}

export function compareArrays(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): Comparison {
  let scale = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  const faults: string[] = [];
  let largestError = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (error > largestError) largestError = error;
    // Written so that NaN counts as a fault.
    if (!(error <= tolerance * (1 + scale)) && faults.length < 10) {
      faults.push(`${name}[${i}]: ${actual[i]} is not ${expected[i]} (off by ${error})`);
    }
  }
  if (actual.length < expected.length) faults.push(`${name}: ${actual.length} values for ${expected.length}`);
  return { faults, largestError };
}
