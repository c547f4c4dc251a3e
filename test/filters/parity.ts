/**
 * Runs the cases of one file of ../shared/parity: each as a test of its own, skipped with a message without the folder, and held
 * against the list of cases decided otherwise.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { familyNamed } from '../../src/filters/families.ts';
import { fails, type Rule } from '../../src/filters/rule.ts';
import type { SignalFamily } from '../../src/filters/signal.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { measureText } from '../../src/text/measure-text.ts';
import { decidedOtherwise, renamedReasons } from './decided-otherwise.ts';

export const parityFolder = join(packageRoot(), '..', 'shared', 'parity');

export interface ParityCase {
  id: string;
}

/** The rows of a file; none when the folder is not there. */
export function parityCases<T extends ParityCase>(name: string): T[] {
  const path = join(parityFolder, name);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** One test for each of the `count` cases. `check` throws when a case fails, and answers a sentence when it cannot be run here. */
export function runParity<T extends ParityCase>(
  name: string,
  count: number,
  check: (test: T) => Promise<string | undefined> | string | undefined,
): void {
  const cases = parityCases<T>(name);
  describe(name, () => {
    if (cases.length === 0) {
      it.skip(`needs ../shared/parity/${name}`, () => {});
      return;
    }
    it('has every case', () => {
      expect(cases).toHaveLength(count);
      expect(new Set(cases.map((test) => test.id)).size).toBe(count);
    });
    for (const test of cases) {
      it(test.id, async ({ skip }) => {
        const decision = decidedOtherwise[test.id];
        let failure: unknown;
        let unable: string | undefined;
        try {
          unable = await check(test);
        } catch (error) {
          failure = error;
        }
        if (unable !== undefined) skip(unable);
        else if (decision !== undefined) {
          expect(failure, `${test.id} passes; take it off the list (${decision.here})`).toBeDefined();
        } else if (failure !== undefined) throw failure;
      });
    }
  });
}

/** The verdict of `rules` on a text that `family` measures. */
export function verdictOf(
  family: SignalFamily,
  rules: readonly Rule[],
  text: string,
  url: string | null = null,
): { keep: boolean; reason?: string } {
  const values = family.measure(measureText(text, { math: 'plain', url }));
  const failing = rules.find((rule) =>
    fails(rule, values[family.signals.findIndex((spec) => spec.name === rule.signal)]!),
  );
  return failing === undefined ? { keep: true } : { keep: false, reason: failing.reason };
}

/** Values of a family by signal. */
export function valuesOf(family: SignalFamily, text: string): Record<string, number> {
  const values = family.measure(measureText(text, { math: 'plain' }));
  return Object.fromEntries(family.signals.map((spec, i) => [spec.name, values[i]!]));
}

export function family(name: string): SignalFamily {
  const found = familyNamed(name);
  if (found === undefined) throw new Error(`no family ${name}`);
  return found;
}

export interface FilterCase extends ParityCase {
  filter: string;
  params: Record<string, unknown>;
  input: { text: string; metadata?: { url?: string; score?: number } };
  expected?: {
    keep?: boolean;
    reason?: string;
    error?: string;
    textAfter?: string;
    textAfterReplay?: string;
    textNotContains?: string[];
    'metadata.language'?: string;
  };
  byTokenizer?: Record<string, { keep: boolean; reason?: string }>;
}

/** The verdict a case expects, under the reasons this project has; words are split as spaCy's English tokenizer splits them. */
export function expectedVerdict(test: FilterCase): { keep: boolean; reason?: string } {
  const expected = test.byTokenizer?.spacyLike ?? test.expected;
  if (expected === undefined || expected.keep === undefined) return { keep: false, reason: 'an error' };
  const { keep, reason } = expected;
  return { keep, ...(reason === undefined ? {} : { reason: renamedReasons[reason] ?? reason }) };
}
