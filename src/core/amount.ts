/** Counts as people write them: `20M`, `0.8B`, `1_000`, `200 B`, `2e9`; k, M, B and T are powers of a thousand. */
const units: Record<string, number> = { '': 1, k: 1e3, m: 1e6, b: 1e9, g: 1e9, t: 1e12 };

/** The units that are written, largest first. */
export const amountUnits = [
  ['T', 1e12],
  ['B', 1e9],
  ['M', 1e6],
  ['k', 1e3],
] as const;

/** The number, or `undefined` if the text is not a count. `20M` is exactly 20,000,000. */
export function parseAmount(text: string): number | undefined {
  const match = /^([0-9][0-9_,]*(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)\s*([kmbgt]?)$/i.exec(text.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]!.replace(/[_,]/g, '')) * units[match[2]!.toLowerCase()]!);
}

/** Three significant digits and a unit: 15.1B, 920k, 512. */
export function formatAmount(n: number): string {
  for (const [unit, size] of amountUnits) {
    if (Math.abs(n) >= size * 0.9995) return `${trim((n / size).toPrecision(3))}${unit}`;
  }
  return trim(n.toPrecision(Math.abs(n) >= 100 ? 3 : 2));
}

function trim(digits: string): string {
  const plain = String(Number(digits));
  return plain;
}
