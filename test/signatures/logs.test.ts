/** Logs of this project, TRL, verl and wandb as observations. */
import { describe, expect, it } from 'vitest';
import { observeRun } from '../../src/signatures/observe-run.ts';
import { LoggedRuns } from '../../src/signatures/parse-log.ts';
import { canonicalRow, inOrderOfSets, mainSetOf, observationOf } from '../../src/signatures/read-row.ts';

function runsOf(text: string, name = 'log') {
  const logs = new LoggedRuns();
  logs.add(text, name);
  return { runs: logs.all(), skipped: logs.skipped };
}

describe('rows by their names', () => {
  it('of this project, with one or several problem sets', () => {
    const row = {
      step: 8,
      phase: 'grpo',
      entropy: 0.4,
      accuracy: 0.3,
      frac_reward_zero_std: 0.25,
      'completions/clipped_ratio': 0.1,
      'completions/mean_length': 80,
      'completions/max_allowed_length': 128,
      'completions/repetition_ratio': 0.02,
      'completions/answer_first_ratio': 0.5,
      eval_accuracy: 0.4,
      eval_gsm8k_accuracy: 0.4,
      'eval_gsm8k_completions/mean_correct_length': 60,
      'eval_gsm8k_completions/mean_length': 90,
      eval_math500_accuracy: 0.2,
      'eval_gsm8k@simple_accuracy': 0.9,
    };
    expect(observationOf(row)).toEqual({
      step: 8,
      entropy: 0.4,
      accuracy: 0.3,
      flatGroups: 0.25,
      truncated: 0.1,
      length: 80,
      cap: 128,
      repeating: 0.02,
      answerFirst: 0.5,
      evaluations: [
        { name: 'gsm8k', accuracy: 0.4, length: 60, problems: 1319 },
        { name: 'math500', accuracy: 0.2, problems: 500 },
      ],
    });
    const single = observationOf({
      step: 0,
      eval_accuracy: 0.5,
      eval_accuracy_low: 0.4,
      eval_accuracy_high: 0.6,
    });
    // A Wilson interval of 0.4 to 0.6 is that of some 92 to 96 problems.
    expect(single!.evaluations[0]!.problems).toBeGreaterThan(88);
    expect(single!.evaluations[0]!.problems).toBeLessThan(100);
  });

  it('of TRL, plain and as wandb has them', () => {
    const plain = {
      step: 5,
      'completions/clipped_ratio': 0.2,
      entropy: 1,
      'eval_rewards/accuracy_reward/mean': 0.3,
    };
    const wandb = {
      'train/global_step': 5,
      'train/completions/clipped_ratio': 0.2,
      'train/entropy': 1,
      'eval/rewards/accuracy_reward/mean': 0.3,
    };
    const expected = { step: 5, truncated: 0.2, entropy: 1, evaluations: [{ name: '', accuracy: 0.3 }] };
    expect(observationOf(plain)).toEqual(expected);
    expect(observationOf(wandb)).toEqual(expected);
  });

  it('of verl, today and as the paper logged', () => {
    const row = {
      'training/global_step': 3,
      'response_length/clip_ratio': 0.5,
      'response_length/mean': 900,
      'actor/entropy': 0.7,
      'val-core/openai/gsm8k/reward/mean@1': 0.61,
    };
    expect(observationOf(row, { cap: 1024 })).toEqual({
      step: 3,
      truncated: 0.5,
      length: 900,
      cap: 1024,
      entropy: 0.7,
      evaluations: [{ name: 'openai/gsm8k', accuracy: 0.61 }],
    });
    const paper = {
      Step: 4,
      'val/test_score/MATH500': 0.2,
      'val_response_length/test_length_correct/MATH500': 300,
    };
    expect(observationOf(paper)!.evaluations).toEqual([
      { name: 'MATH500', accuracy: 0.2, length: 300, problems: 500 },
    ]);
  });

  it('under the names that a report draws, whichever trainer logged them', () => {
    const row = {
      'training/global_step': 4,
      'critic/score/mean': 0.3,
      'actor/pg_clipfrac': 0.01,
      'response_length/max': 90,
      'timing_s/gen': 5,
      'val-core/AMC/acc/mean@8': 0.1,
      'val-core/openai/gsm8k/acc/mean@8': 0.6,
    };
    expect(mainSetOf([{ step: 1, eval_AMC_accuracy: 0.1 }, row])).toBe('openai/gsm8k');
    const verl = canonicalRow(row, 'openai/gsm8k');
    expect(verl).toMatchObject({
      step: 4,
      reward: 0.3,
      'clip_ratio/region_mean': 0.01,
      'completions/max_length': 90,
      'timing_s/gen': 5,
      eval_AMC_accuracy: 0.1,
      'eval_openai/gsm8k_accuracy': 0.6,
      // The set that runs are usually followed on stands for the run.
      eval_accuracy: 0.6,
    });
    expect(observationOf(verl!)!.evaluations.map(({ name }) => name)).toEqual(['AMC', 'openai/gsm8k']);
    const own = { step: 2, reward: 1, eval_accuracy: 0.5, eval_b_accuracy: 0.5, eval_math500_accuracy: 0.9 };
    expect(canonicalRow(own)).toEqual(own);
    // Where only another set was evaluated, the run's own has no point.
    expect(canonicalRow({ step: 1, eval_AMC_accuracy: 0.1 }, 'openai/gsm8k')).not.toHaveProperty(
      'eval_accuracy',
    );
    expect(canonicalRow({ reward: 1 })).toBeUndefined();
    expect(inOrderOfSets(['other', 'AMC23', 'x/gsm8k', 'MATH-500'])).toEqual([
      'MATH-500',
      'x/gsm8k',
      'AMC23',
      'other',
    ]);
  });

  it('leave out what is no number, and shares that are none', () => {
    expect(observationOf({ loss: 1 })).toBeUndefined();
    expect(
      observationOf({
        step: 1,
        entropy: 'NaN',
        accuracy: 3,
        'completions/clipped_ratio': -1,
        eval_accuracy: 40,
      }),
    ).toEqual({ step: 1, evaluations: [{ name: '' }] });
  });
});

describe('files', () => {
  it('JSON lines, those of verl, an array, and trainer_state.json', () => {
    const expected = [
      {
        name: 'log',
        rows: [
          { step: 1, entropy: 2 },
          { step: 2, entropy: 3 },
        ],
      },
    ]; // prettier-ignore
    expect(runsOf('{"step":1,"entropy":2}\n\n{"step":2,"entropy":3}\n').runs).toEqual(expected);
    expect(runsOf('[{"step":1,"entropy":2},{"step":2,"entropy":3}]').runs).toEqual(expected);
    const verl = runsOf('{"step":1,"data":{"entropy":2}}\n{"step":2,"data":{"entropy":3}}\n');
    expect(verl.runs[0]!.rows).toMatchObject(expected[0]!.rows);
    const trl =
      '{"epoch":1,"log_history":[{"step":1,"entropy":2},{"step":2,"eval_loss":1},{"step":2,"entropy":3}]}';
    expect(runsOf(trl).runs[0]!.rows).toEqual([
      { step: 1, entropy: 2 },
      { step: 2, eval_loss: 1, entropy: 3 },
    ]);
  });

  it('CSV with quotes and gaps, and exports of several runs over several files', () => {
    expect(runsOf('step,entropy,"a ""b"", c"\r\n1,2,\r\n2,,5\n').runs).toEqual([
      {
        name: 'log',
        rows: [
          { step: 1, entropy: 2 },
          { step: 2, 'a "b", c': 5 },
        ],
      }, // prettier-ignore
    ]);
    const logs = new LoggedRuns();
    const head = (metric: string) =>
      `"Step","a - b - ${metric}","a - b - ${metric}__MIN","a - b - ${metric}__MAX","c - ${metric}"`;
    logs.add(`${head('val/test_score/MATH500')}\n"0","0.1","0","1",""\n"4","","","","0.3"\n`, 'acc');
    logs.add(`${head('val_response_length/test_length_correct/MATH500')}\n"0","20","0","1",""\n`, 'length');
    expect(logs.all()).toEqual([
      {
        name: 'a - b',
        rows: [
          { step: 0, 'val/test_score/MATH500': 0.1, 'val_response_length/test_length_correct/MATH500': 20 },
        ],
      },
      { name: 'c', rows: [{ step: 4, 'val/test_score/MATH500': 0.3 }] },
    ]);
  });

  it("wandb's exports over an axis of their own, whose `run - _step` is another count", () => {
    const text =
      '"train/global_step","a - _step","a - loss","b - _step","b - loss"\n"10","70","1","90",""\n"20","140","","180","2"\n';
    expect(runsOf(text).runs).toEqual([
      { name: 'a', rows: [{ step: 10, loss: 1 }] },
      { name: 'b', rows: [{ step: 20, loss: 2 }] },
    ]);
  });

  it('what TRL prints, old and new, progress bars between and no step: numbered in their order', () => {
    const logs = new LoggedRuns();
    logs.add(
      [
        'Loading weights: 100%|####| 3/3 [00:01<00:00]',
        "\r  5%|#   | 1/20 [00:03<01:00]{'loss': 0.01, 'completions/clipped_ratio': 0.25, 'entropy': nan, 'epoch': 0.1}",
        "{'loss': '0.02', 'grad_norm': '1.5e-05', 'entropy': '0.5', 'learning_rate': '1e-06'}",
        "{'eval_rewards/accuracy_reward/mean': 0.4, 'eval_runtime': 3.1, 'epoch': 0.2}",
        "Saving {'a': 'folder'} somewhere",
        "{'train_runtime': 12.5, 'train_loss': 0.01, 'epoch': 1.0}",
      ].join('\n'),
      'trl',
    );
    expect(logs.all()).toEqual([
      {
        name: 'trl',
        rows: [
          { step: 1, loss: 0.01, 'completions/clipped_ratio': 0.25, epoch: 0.1 },
          {
            ...{ step: 2, loss: 0.02, grad_norm: 1.5e-5, entropy: 0.5, learning_rate: 1e-6 },
            ...{ 'eval_rewards/accuracy_reward/mean': 0.4, eval_runtime: 3.1, epoch: 0.2 },
          },
        ],
      },
    ]);
    expect([logs.numbered, logs.skipped]).toEqual([['trl'], 0]);
  });

  it('what verl prints, behind what Ray puts in front', () => {
    const logs = new LoggedRuns();
    logs.add(
      '\u001b[36m(TaskRunner pid=7)\u001b[0m step:3 - actor/entropy:np.float64(0.25) - response_length/mean:310.5 - timing_s/gen:nan\n' +
        '(TaskRunner pid=7) validation: 3 - 4\nstep:4 - actor/entropy:0.2 - val-core/openai/gsm8k/acc/mean@1:1e-2\n',
      'verl',
    );
    expect(logs.all()[0]!.rows).toEqual([
      { step: 3, 'actor/entropy': 0.25, 'response_length/mean': 310.5 },
      { step: 4, 'actor/entropy': 0.2, 'val-core/openai/gsm8k/acc/mean@1': 0.01 },
    ]);
    expect([logs.numbered, logs.skipped]).toEqual([[], 0]);
  });

  it('with the NaN and Infinity that Python writes, in whole files and in lines, and not inside texts', () => {
    const row = '{"step":1,"loss":NaN,"a":-Infinity,"entropy":0.5,"note":"NaN \\" Infinity"}';
    const expected = [{ step: 1, loss: null, a: null, entropy: 0.5, note: 'NaN " Infinity' }];
    expect(runsOf(`{"log_history": [${row}]}`).runs[0]!.rows).toEqual(expected);
    expect(runsOf(`${row}\n{"step":2}\n`).runs[0]!.rows).toEqual([...expected, { step: 2 }]);
  });

  it('of lines made to be slow are read in time', () => {
    const began = process.cpuUsage().user;
    for (const text of [
      `{'${'a'.repeat(2e5)}`,
      `{'a': ${"'b': ".repeat(5e4)}`,
      `step:1 - ${'x:'.repeat(1e5)}`,
      `{"a": ${'"'.repeat(2e5)}NaN`,
      `{'a': ${'1'.repeat(2e5)}`,
    ])
      runsOf(text);
    expect(process.cpuUsage().user - began).toBeLessThan(3e6);
  });

  it('count what is no row, and never throw', () => {
    for (const text of ['', 'null', '{', '[1,2', 'a,b\n1,2\n', '{"step":"x"}\n{"a":1}\n', '"', '[[],null,3]'])
      expect(runsOf(text).runs).toEqual([]);
    expect(runsOf('{"step":1,"entropy":2}\n{"step":2,"entr').runs[0]!.rows).toHaveLength(1);
    expect(runsOf('{"step":1}\nnonsense\n').skipped).toBe(1);
  });

  it('with stored responses where rows hold no shares, but not over those that do', () => {
    const loop = 'Solution '.repeat(9);
    const stored = [0, 1, 1, 7].map((step, i) => ({ step, completion: i === 2 ? loop : '\\boxed{1}' }));
    const seen = observeRun([{ step: 0, 'completions/repetition_ratio': 0.125 }, { step: 1 }], stored);
    expect(seen).toMatchObject([
      { step: 0, repeating: 0.125 },
      { step: 1, repeating: 0.5, answerFirst: 0.5, samples: 2 },
      { step: 7, repeating: 0, answerFirst: 1 },
    ]);
    expect(seen[0]).not.toHaveProperty('answerFirst');
  });
});
