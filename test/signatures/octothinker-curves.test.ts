/**
 * The two rules that the paper's released RL curves can carry, replayed on them: which runs they flag, when, and how far every run stays from the
 * thresholds. Good and bad runs are those of recipe 4.7; the statistic was chosen with these curves in view, so they are in-sample; other runs are held out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { observeRun } from '../../src/signatures/observe-run.ts';
import { type LoggedRun, LoggedRuns } from '../../src/signatures/parse-log.ts';
import { type Replay, replaySignatures } from '../../src/signatures/replay.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';

const folder = 'octothinker-curves';

/** Allowed length of a run by its name (recipe 2.3 and 4.7). */
const capOf = (name: string): number => (/rl8k|openr1|long/.test(name) ? 8192 : 4096);

const bad = {
  'Llama-3.2-3B': 'rl.grpo_llama.3b_math.8k_0411_2024',
  'FineMath-4plus': 'rl.grpo_llama.3b_analysis_fm4p.20B_math.8k_0411_1327',
  'fixed 8k': 'rl.grpo_llama.3b_analysis_mmwebpro.openr1.ins.89101_cpt8k_rl8k_math.8k_orztemplate_0419_0137',
};

describeWith(folder, "the paper's released curves", () => {
  let runs: LoggedRun[] = [];
  beforeAll(() => {
    const logs = new LoggedRuns();
    const root = join(sharedData, folder);
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
      if (file.endsWith('.csv')) logs.add(readFileSync(join(root, file), 'utf8'), file);
    runs = logs.all();
  });

  /** With only the metrics of `set` (all when left out), and every `stride`-th evaluation. */
  const replay = ({ name, rows }: LoggedRun, set?: string, stride = 1, offset = 0): Replay => {
    const kept = rows
      .filter((_, i) => i % stride === offset)
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).filter(
            ([key]) => key === 'step' || set === undefined || key.endsWith(`/${set}`),
          ),
        ),
      );
    return replaySignatures(observeRun(kept, [], { cap: capOf(name) }));
  };
  const flagged = (set?: string): Record<string, string[]> =>
    Object.fromEntries(
      runs
        .map(
          (run) =>
            [
              run.name,
              replay(run, set)
                .checks.filter((c) => c.state === 'fired')
                .map((c) => c.signature),
            ] as const,
        ) // prettier-ignore
        .filter(([, fired]) => fired.length > 0),
    );

  it('holds fourteen runs', () => {
    expect(runs).toHaveLength(14);
    for (const name of Object.values(bad)) expect(runs.map((run) => run.name)).toContain(name);
  });

  it.each([
    ['all four sets', undefined],
    ['MATH500 alone', 'MATH500'],
  ])('are flagged by %s where they failed, and nowhere else', (_, set) => {
    expect(flagged(set)).toEqual({
      [bad['Llama-3.2-3B']]: ['length_saturation'],
      [bad['FineMath-4plus']]: ['length_saturation', 'accuracy_collapse'],
      [bad['fixed 8k']]: ['accuracy_collapse'],
    });
  });

  it('are flagged alike when the log does not name its problem set', () => {
    const unnamed = ({ name, rows }: LoggedRun): Replay =>
      replaySignatures(
        observeRun(
          rows.map((row) => ({
            step: row.step,
            eval_accuracy: row['val/test_score/MATH500'],
            'eval_completions/mean_correct_length': row['val_response_length/test_length_correct/MATH500'],
          })),
          [],
          { cap: capOf(name) },
        ),
      );
    const found = runs.filter((run) => unnamed(run).findings.length > 0).map((run) => run.name);
    expect(found.sort()).toEqual(Object.values(bad).sort());
  });

  it.each(['GSM8K', 'OlympiadBench', 'AMC23'])('show no false alarm on %s alone', (set) => {
    const names = Object.values(bad);
    expect(Object.keys(flagged(set)).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('keep their distance: sound runs far from both thresholds, at any spacing of evaluations', () => {
    const sound = runs.filter(({ name }) => !Object.values(bad).includes(name));
    expect(sound).toHaveLength(11);
    for (const [stride, offset] of [
      [1, 0],
      [2, 0],
      [2, 1],
      [3, 0],
      [3, 1],
      [3, 2],
      [5, 0],
      [5, 3],
    ] as const) {
      for (const run of sound) {
        const worst = Object.fromEntries(
          replay(run, undefined, stride, offset).checks.map((c) => [c.signature, c.worst]),
        ); // prettier-ignore
        expect(worst.length_saturation, run.name).toBeLessThan(0.35);
        expect(worst.accuracy_collapse, run.name).toBeGreaterThan(0.9);
      }
    }
    // The two base models are found at any spacing too.
    for (const name of [bad['Llama-3.2-3B'], bad['FineMath-4plus']])
      for (const stride of [2, 3, 5]) {
        const found = replay(runs.find((run) => run.name === name)!, undefined, stride).findings;
        expect(found.map((f) => f.signature)).toContain('length_saturation');
      }
  });

  it('are flagged at the steps that recipe 4.7 has, within some evaluations', () => {
    const first = (name: string, signature: string) =>
      replay(runs.find((run) => run.name === name)!, 'MATH500').checks.find((c) => c.signature === signature)!
        .step;
    expect(first(bad['Llama-3.2-3B'], 'length_saturation')).toBe(144);
    expect(first(bad['FineMath-4plus'], 'length_saturation')).toBe(80);
    expect(first(bad['FineMath-4plus'], 'accuracy_collapse')).toBe(192);
    expect(first(bad['fixed 8k'], 'accuracy_collapse')).toBe(80);
  });
});
