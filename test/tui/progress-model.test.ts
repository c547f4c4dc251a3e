/** The state of a job as the display sees it. */
import { describe, expect, test } from 'vitest';
import { curvesOf, meanRateOf, ProgressModel } from '../../src/tui/progress-model.ts';

describe('the progress model', () => {
  test('follows a task from start to end', () => {
    const model = new ProgressModel();
    model.apply({ kind: 'start', task: 'filter', total: 100, unit: 'documents' }, 0);
    model.apply({ kind: 'progress', task: 'filter', done: 40, unit: 'documents', numbers: { kept: 30 } }, 2);
    const task = model.running.get('filter')!;
    expect([task.done, task.total, task.numbers.get('kept')]).toEqual([40, 100, 30]);
    const added = model.apply(
      { kind: 'end', task: 'filter', done: 100, unit: 'documents', seconds: 5, numbers: { kept: 71 } },
      5,
    );
    expect(model.running.size).toBe(0);
    expect(added).toEqual([{ kind: 'finished', task }]);
    expect([task.done, task.seconds, task.numbers.get('kept')]).toEqual([100, 5, 71]);
  });

  test('accepts progress and ends of tasks that never said they started', () => {
    const model = new ProgressModel();
    model.apply({ kind: 'progress', task: 'a', done: 1, total: 3, unit: 'files' }, 0);
    expect(model.running.get('a')!.total).toBe(3);
    const [entry] = model.apply({ kind: 'end', task: 'b', done: 9, unit: 'files', seconds: 2 }, 4);
    expect(entry).toMatchObject({ kind: 'finished', task: { name: 'b', done: 9, startedAt: 2 } });
  });

  test('a task that starts again under its name begins afresh', () => {
    const model = new ProgressModel();
    for (const at of [0, 10]) {
      model.apply({ kind: 'start', task: 'eval', total: 5, unit: 'problems' }, at);
      model.apply(
        { kind: 'progress', task: 'eval', done: 5, unit: 'problems', numbers: { accuracy: 0.5 } },
        at + 1,
      );
    }
    expect(model.running.get('eval')).toMatchObject({ startedAt: 10, done: 5 });
  });

  test('a finished task that was resumed does not count what was done before as speed', () => {
    const model = new ProgressModel();
    for (let s = 0; s <= 10; s++)
      model.apply({ kind: 'progress', task: 't', done: 5000 + 2 * s, unit: 'steps' }, s);
    model.apply({ kind: 'end', task: 't', done: 5020, unit: 'steps', seconds: 10 }, 10);
    expect(model.log[0]).toMatchObject({ task: { done: 5020 } });
    expect(meanRateOf((model.log[0] as { task: Parameters<typeof meanRateOf>[0] }).task)).toBe(2);
  });

  test('shows a repeated warning once and counts it', () => {
    const model = new ProgressModel();
    for (let i = 0; i < 3; i++) model.apply({ kind: 'message', level: 'warn', text: 'no licence' }, i);
    model.apply({ kind: 'message', level: 'warn', text: 'other' }, 4);
    expect(model.log.length).toBe(2);
    expect(model.warningCount).toBe(4);
    expect(model.close(5)).toEqual([
      { kind: 'message', level: 'info', text: '4 warnings in all, 2 of them shown above' },
    ]);
  });

  test('does not grow with a million distinct warnings', () => {
    const model = new ProgressModel();
    for (let i = 0; i < 10_000; i++) model.apply({ kind: 'message', level: 'warn', text: `page ${i}` }, i);
    expect([model.log.length, model.warnings.size, model.warningCount]).toEqual([50, 50, 10_000]);
  });

  test('says nothing more at the end when every warning was shown', () => {
    const model = new ProgressModel();
    model.apply({ kind: 'message', level: 'warn', text: 'once' }, 0);
    expect(model.close(1)).toEqual([]);
  });

  test('closing turns tasks at work into stopped ones', () => {
    const model = new ProgressModel();
    model.apply({ kind: 'start', task: 'grpo', total: 10, unit: 'steps' }, 3);
    expect(model.close(8)).toMatchObject([{ kind: 'stopped', seconds: 5, task: { name: 'grpo' } }]);
    expect(model.running.size).toBe(0);
  });

  test('strips control sequences from every text', () => {
    const model = new ProgressModel();
    const evil = 'a\x1b]0;t\x07\nb';
    model.apply({ kind: 'start', task: evil, unit: 'd\x1b[2Jocs' }, 0);
    model.apply({ kind: 'progress', task: evil, done: 1, unit: 'docs', numbers: { 'l\x1b[31moss': 1 } }, 1);
    model.apply({ kind: 'message', level: 'info', text: evil }, 1);
    const task = model.running.get(evil)!;
    expect([task.name, task.unit, ...task.numbers.keys()]).toEqual(['a b', 'docs', 'loss']);
    expect(model.log[0]).toMatchObject({ text: 'a\nb' });
  });
});

describe('the curves of a task', () => {
  const run = (numbers: Record<string, number>): string[] => {
    const model = new ProgressModel();
    for (let i = 0; i < 3; i++)
      model.apply({ kind: 'progress', task: 't', done: i, unit: 'steps', numbers }, i);
    return curvesOf(model.running.get('t')!).map(({ name }) => name);
  };

  test('in training are the loss, then the held-out loss', () => {
    expect(run({ learning_rate: 1, grad_norm: 2, 'eval_loss/web': 3, eval_loss: 3, loss: 4 })).toEqual([
      'loss',
      'eval_loss',
      'eval_loss/web',
    ]);
  });

  test('in RL are the reward first and the loss last', () => {
    expect(
      run({ loss: 0, 'completions/mean_length': 20, eval_accuracy: 0.4, reward: 0.5, reward_std: 0.1 }),
    ).toEqual(['reward', 'eval_accuracy', 'reward_std', 'completions/mean_length', 'loss']);
  });

  test('need two points', () => {
    const model = new ProgressModel();
    model.apply({ kind: 'progress', task: 't', done: 1, unit: 'steps', numbers: { loss: 1 } }, 0);
    expect(curvesOf(model.running.get('t')!)).toEqual([]);
  });
});
