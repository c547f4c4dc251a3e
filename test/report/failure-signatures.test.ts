import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  accuracyCollapse,
  boxedFirstShare,
  type Evaluation,
  lengthSaturation,
  repetitionShare,
  verdictInWords,
} from '../../src/report/failure-signatures.ts';

const evaluations = (values: [accuracy: number, length: number][], cap = 100): Evaluation[] =>
  values.map(([accuracy, length], i) => ({ step: 4 * i, accuracy, length, cap }));

describe('length saturation', () => {
  it('fires at the third evaluation in a row at nine tenths of the allowed length', () => {
    const fired = lengthSaturation(
      evaluations([
        [0.1, 50],
        [0.1, 90],
        [0.1, 95],
        [0.1, 91],
        [0.1, 99],
      ]),
    );
    expect(fired).toMatchObject({ state: 'fired', step: 12 });
    expect(fired.words).toBe(
      'Length saturated at step 12: 91 of 100 tokens allowed, the third evaluation in a row at 90 % or more.'.replace(
        '90 %',
        '90 %',
      ),
    );
  });

  it('does not fire when one evaluation in between is shorter', () => {
    expect(
      lengthSaturation(
        evaluations([
          [0, 95],
          [0, 95],
          [0, 89],
          [0, 95],
          [0, 95],
        ]),
      ).state,
    ).toBe('clear');
  });

  it('follows a cap that the schedule raises', () => {
    const rising = [64, 64, 128, 128, 128].map((cap, i) => ({ step: i, accuracy: 0.5, length: 60, cap }));
    expect(lengthSaturation(rising).state).toBe('clear');
  });

  it('says that it was not checked when there is no length or no cap', () => {
    expect(lengthSaturation([{ step: 0, accuracy: 0.5 }]).state).toBe('not-checked');
  });
});

describe('accuracy collapse', () => {
  it('fires below four fifths of the running best', () => {
    const fired = accuracyCollapse(
      evaluations([
        [0.2, 1],
        [0.5, 1],
        [0.41, 1],
        [0.39, 1],
        [0.1, 1],
      ]),
    );
    expect(fired).toMatchObject({ state: 'fired', step: 12 });
    expect(fired.words).toContain('39.0 % against a best of 50.0 % at step 4');
  });

  it('does not judge a best below one tenth', () => {
    const clear = accuracyCollapse(
      evaluations([
        [0.09, 1],
        [0.01, 1],
      ]),
    );
    expect(clear.state).toBe('clear');
    expect(clear.words).toContain('never reached 10 %');
  });

  it('says when the interval of the evaluation reaches back over the threshold', () => {
    const noisy = evaluations([
      [0.5, 1],
      [0.35, 1],
    ]).map((e) => ({ ...e, low: e.accuracy! - 0.1, high: e.accuracy! + 0.1 }));
    expect(accuracyCollapse(noisy).words).toContain('noise alone could explain it');
  });
});

describe('signatures of stored rollouts', () => {
  const loop = `x${' Solution'.repeat(20)}`;
  it('fire at the first step of which half show them', () => {
    const steps = [
      { step: 0, completions: ['fine', 'fine', 'fine', loop] },
      { step: 10, completions: [loop, loop, 'fine', 'fine'] },
    ];
    expect(repetitionShare(steps)).toMatchObject({ state: 'fired', step: 10 });
    expect(boxedFirstShare([{ step: 3, completions: ['\\boxed{1}'] }])).toMatchObject({
      state: 'fired',
      step: 3,
    });
    expect(boxedFirstShare(steps)).toMatchObject({ state: 'clear' });
    expect(repetitionShare([])).toMatchObject({ state: 'not-checked' });
  });
});

describe('the verdict', () => {
  it('names what fired in order of step, or says that nothing did', () => {
    const values = evaluations([
      [0.5, 10],
      [0.1, 95],
      [0.1, 95],
      [0.1, 95],
    ]);
    const all = [lengthSaturation(values), accuracyCollapse(values)];
    expect(verdictInWords(all, 4)).toBe('Accuracy collapsed at step 4, length saturated at step 12.');
    const healthy = evaluations([
      [0.1, 10],
      [0.2, 10],
      [0.3, 10],
    ]);
    expect(verdictInWords([lengthSaturation(healthy), accuracyCollapse(healthy)], 3)).toBe(
      'No collapse seen in 3 evaluations.',
    );
    expect(verdictInWords([lengthSaturation([]), accuracyCollapse([])], 0)).toBe(
      'Collapse could not be checked: too few evaluations.',
    );
  });
});

const curves = resolve(import.meta.dirname, '../../../shared/data/octothinker-curves');

/** The runs of the paper's wandb exports on MATH500: step, accuracy, mean length of correct responses. */
function paperRuns(): Map<string, Evaluation[]> {
  const runs = new Map<string, Map<number, Evaluation>>();
  const files = readdirSync(curves, { recursive: true, encoding: 'utf8' }).filter((f) =>
    /(acc|length)_math500\.csv$/.test(f),
  );
  for (const file of files) {
    const [header, ...rows] = readFileSync(join(curves, file), 'utf8')
      .trim()
      .split(/\r?\n/)
      .map((line) => [...line.matchAll(/"([^"]*)"/g)].map((m) => m[1]!));
    header!.forEach((title, column) => {
      const [name, what] = title.split(' - ');
      if (what === undefined || /__(MIN|MAX)$/.test(title)) return;
      const cap = /rl8k|openr1|long/.test(name!) ? 8192 : 4096;
      const run = runs.get(name!) ?? new Map<number, Evaluation>();
      runs.set(name!, run);
      for (const row of rows) {
        const value = row[column];
        if (value === undefined || value === '') continue;
        const step = Number(row[0]);
        const known = run.get(step) ?? { step, cap };
        run.set(step, {
          ...known,
          ...(file.includes('acc_') ? { accuracy: Number(value) } : { length: Number(value) }),
        });
      }
    });
  }
  return new Map([...runs].map(([name, run]) => [name, [...run.values()].sort((a, b) => a.step - b.step)]));
}

describe("the paper's released curves", () => {
  it('are flagged where recipe 4.7 says, and nowhere else', (context) => {
    if (!existsSync(curves)) context.skip('../shared/data/octothinker-curves is not here');
    const runs = paperRuns();
    expect(runs.size).toBe(14);
    const flagged = [...runs].flatMap(([name, run]) => {
      const a = lengthSaturation(run);
      const b = accuracyCollapse(run);
      const short = name.includes('fm4p')
        ? 'FineMath-4plus'
        : name.includes('llama.3b_math')
          ? 'Llama-3.2-3B'
          : name.includes('orztemplate')
            ? 'complex, fixed 8k'
            : name;
      return [
        ...(a.state === 'fired' ? [`length ${short} ${a.step}`] : []),
        ...(b.state === 'fired' ? [`accuracy ${short} ${b.step}`] : []),
      ];
    });
    expect(flagged.sort()).toEqual([
      'accuracy FineMath-4plus 176',
      'accuracy complex, fixed 8k 80',
      'length FineMath-4plus 84',
      'length Llama-3.2-3B 160',
    ]);
  });
});
