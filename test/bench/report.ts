/** What every bench prints: a table for people, and last one line of JSON for programs. */

export interface BenchRow {
  name: string;
  unit: string;
  ours: number;
  /** What it is compared with, in the same unit; null when there is nothing. */
  peer: number | null;
  peerName: string | null;
  /** Above 1: ours is better. */
  ratio: number | null;
}

export function benchRow(
  name: string,
  unit: string,
  ours: number,
  peer: { value: number; name: string } | undefined,
): BenchRow {
  return {
    name,
    unit,
    ours: rounded(ours),
    peer: peer === undefined ? null : rounded(peer.value),
    peerName: peer?.name ?? null,
    ratio: peer === undefined ? null : rounded(ours / peer.value),
  };
}

export function printBench(bench: string, rows: readonly BenchRow[], notes: readonly string[] = []): void {
  const cells = [
    ['', 'ours', 'peer', 'ratio', 'unit', 'peer is'],
    ...rows.map((row) => [
      row.name,
      String(row.ours),
      row.peer === null ? '' : String(row.peer),
      row.ratio === null ? '' : `${row.ratio}x`,
      row.unit,
      row.peerName ?? '',
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  for (const row of cells) {
    const line = row.map((cell, i) =>
      i >= 1 && i <= 3 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
    );
    console.log(line.join('  ').trimEnd());
  }
  for (const note of notes) console.log(note);
  console.log(JSON.stringify({ bench, rows }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
