/** Which copy stays, against the plain definition and datatrove's cases (../shared/parity/other-anchors.jsonl). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initHash64 } from '../../src/core/hash64.ts';
import { readClusterFile } from '../../src/dedup/cluster-file.ts';
import { urlSigner } from '../../src/dedup/document-signature.ts';
import { BestCopies, keepBest } from '../../src/dedup/keep-best.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { removeScratch, runBarrier } from './barrier.ts';

beforeAll(() => initHash64());
afterAll(removeScratch);

interface Row {
  cluster: number;
  unit: number;
  index: number;
  priority: number;
  survives: boolean;
}

function dropped(rows: readonly Row[]): number[] {
  const documents = {
    cluster: Float64Array.from(rows, (row) => row.cluster),
    unit: Uint32Array.from(rows, (row) => row.unit),
    index: Uint32Array.from(rows, (row) => row.index),
    priority: Float64Array.from(rows, (row) => row.priority),
  };
  return [
    ...keepBest(
      documents,
      Uint8Array.from(rows, (row) => (row.survives ? 1 : 0)),
    ),
  ];
}

/** Sorts the survivors of each cluster by the rule, keeps the first. */
function reference(rows: readonly Row[]): number[] {
  const order = [...rows].filter(({ survives }) => survives);
  order.sort((a, b) => {
    const [x, y] = [a.priority, b.priority].map((p) => (Number.isNaN(p) ? [1, 0] : [0, -p]));
    return x![0]! - y![0]! || (x![1] === y![1] ? 0 : x![1]! - y![1]!) || a.unit - b.unit || a.index - b.index;
  });
  const first = new Map<number, Row>();
  for (const row of order) if (!first.has(row.cluster)) first.set(row.cluster, row);
  return rows.map((row) => (row.survives && first.get(row.cluster) !== row ? 1 : 0));
}

describe('keepBest', () => {
  it('keeps the survivor of highest priority, of equals the first, and NaN after all', () => {
    const row = (cluster: number, unit: number, index: number, priority: number, survives = true): Row => ({
      cluster,
      unit,
      index,
      priority,
      survives,
    });
    expect(
      dropped([
        row(0, 0, 0, 1),
        row(0, 1, 5, 3, false),
        row(0, 1, 6, 2),
        row(3, 0, 3, Number.NaN),
        row(3, 2, 0, Number.NEGATIVE_INFINITY),
        row(7, 1, 1, 4),
        row(7, 0, 7, 4),
      ]),
    ).toEqual([1, 0, 0, 1, 0, 1, 0]);
  });

  it('agrees with the definition in any order of rows', () => {
    const rows = fc.uniqueArray(
      fc.record({
        cluster: fc.constantFrom(0, 1, 5, 4294967294),
        unit: fc.nat(3),
        index: fc.nat(9),
        priority: fc.constantFrom(0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        survives: fc.boolean(),
      }),
      { maxLength: 30, selector: ({ unit, index }) => unit * 10 + index },
    );
    fc.assert(
      fc.property(rows, (list) => {
        expect(dropped(list)).toEqual(reference(list));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('answers the same for many clusters from an empty table and from one of the right size', () => {
    for (const best of [new BestCopies(), new BestCopies(5000)]) {
      for (let cluster = 0; cluster < 5000; cluster++) {
        best.offer(cluster * 2, 0, cluster * 2, 0);
        best.offer(cluster * 2, 0, cluster * 2 + 1, cluster % 3);
      }
      for (let cluster = 0; cluster < 5000; cluster++) {
        expect(best.isBest(cluster * 2, 0, cluster * 2 + 1)).toBe(cluster % 3 > 0);
      }
    }
  });
});

interface Anchor {
  id: string;
  params: { priority: string | null };
  inputs: { id: string; url: string }[];
  expected: {
    keptCount?: number;
    keptIds?: string[];
    duplicate_count?: Record<string, number>;
    keptOnRank0?: number;
    keptOnRank1?: number;
  };
}

const path = join(packageRoot(), '..', 'shared', 'parity', 'other-anchors.jsonl');
if (!existsSync(path)) describe('exact dedup parity', () => it.skip('needs ../shared/parity', () => {}));
else {
  const anchors = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Anchor)
    .filter(({ id }) => id.startsWith('datatrove-exact-'));
  describe('exact dedup parity with datatrove', () => {
    it.each(anchors)('$id', async ({ id, params, inputs, expected }) => {
      // An index of known documents is a unit before all others, whose copies come first.
      const index = id.endsWith('_with_index') ? ['https://example.com', 'https://example2.com'] : [];
      const cut = id.endsWith('sd_worker') ? 2 : inputs.length;
      const units = [
        index,
        inputs.slice(0, cut).map(({ url }) => url),
        inputs.slice(cut).map(({ url }) => url),
      ];
      const barrier = await runBarrier(units, urlSigner());
      const priorityOf = (unit: number, at: number): number => {
        if (unit === 0) return Number.POSITIVE_INFINITY;
        const number = Number(inputs[at + (unit - 1) * cut]!.id);
        return params.priority === 'id' ? number : params.priority === '6-id' ? 6 - number : 1;
      };
      const rows = barrier.clusters.flatMap((file, unit) => {
        const { index: at, cluster, size } = readClusterFile(file);
        return [...at].map((i, k) => ({
          unit,
          index: i,
          cluster: cluster[k]!,
          size: size[k]!,
          priority: priorityOf(unit, i),
          survives: true,
        }));
      });
      const drops = dropped(rows);
      const goneAt = (unit: number, at: number): boolean =>
        rows.some((row, k) => row.unit === unit && row.index === at && drops[k] === 1);
      const kept = inputs.filter((_, i) => !goneAt(i < cut ? 1 : 2, i < cut ? i : i - cut));
      if (expected.keptCount !== undefined) expect(kept.length).toBe(expected.keptCount);
      if (expected.keptIds !== undefined) expect(kept.map((input) => input.id)).toEqual(expected.keptIds);
      if (expected.keptOnRank1 !== undefined) {
        expect(kept.filter((input) => inputs.indexOf(input) < cut).length).toBe(expected.keptOnRank0);
        expect(kept.filter((input) => inputs.indexOf(input) >= cut).length).toBe(expected.keptOnRank1);
      }
      for (const [key, count] of Object.entries(expected.duplicate_count ?? {})) {
        const at = inputs.findIndex((input) => input.id === key);
        expect((rows.find((row) => row.unit === 1 && row.index === at)?.size ?? 1) - 1).toBe(count);
      }
    });
  });
}
