/** TensorBoard event files read back: our own, PyTorch's and those with tensors (fixtures of test/oracles/tensorboard-events.py), cut short and damaged. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isEventFile, readEventFile } from '../../src/io/read-event-file.ts';
import { EventFile } from '../../src/io/tensorboard.ts';

const fixture = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, '../fixtures/tensorboard', name, 'events.out.tfevents.1'));

describe('event files', () => {
  it('of this project come back as they were written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'events-'));
    const file = new EventFile(folder, 1_700_000_000_000);
    file.append({ step: 0, reward: 0.5, phase: 'grpo' }, 1_700_000_000_000);
    file.append({ step: 3_000_000_000, reward: -2, entropy: 0.25 }, 1_700_000_001_000);
    file.close();
    const [name] = readdirSync(folder);
    expect(isEventFile(join(folder, name!))).toBe(true);
    expect(isEventFile('tfevents/metrics.csv')).toBe(false);
    const scalars = readEventFile(readFileSync(join(folder, name!)), 'own');
    rmSync(folder, { recursive: true });
    expect(scalars).toEqual([
      { step: 0, tag: 'reward', value: 0.5 },
      { step: 3_000_000_000, tag: 'reward', value: -2 },
      { step: 3_000_000_000, tag: 'entropy', value: 0.25 },
    ]);
  });

  it('of PyTorch: scalars, without histograms and texts', () => {
    const scalars = readEventFile(fixture('pytorch'), 'pytorch');
    expect(scalars.filter(({ tag }) => tag === 'train/reward').map(({ step }) => step)).toEqual([
      0, 5, 10, 5e9,
    ]);
    expect(scalars.find(({ tag, step }) => tag.startsWith('eval/') && step === 10)!.value).toBe(0.5);
    expect([...new Set(scalars.map(({ tag }) => tag))].sort()).toEqual([
      'eval/rewards/accuracy_reward/mean',
      'train/completions/mean_length',
      'train/reward',
    ]);
  });

  it('with tensors of one number, as TensorFlow 2 has them', () => {
    const values = readEventFile(fixture('tensors'), 'tensors').map(({ step, value }) => [step, value]);
    expect(values).toEqual([
      [0, 0.5],
      [1, 0.75],
      [2, 1 / 3],
      [3, -7],
    ]); // prettier-ignore
  });

  it('cut short at any byte give what was whole; damaged ones are an error that names the byte', () => {
    const bytes = fixture('tensors');
    const all = readEventFile(bytes, 'x');
    for (let end = 0; end <= bytes.length; end++)
      expect(all.slice(0, readEventFile(bytes.subarray(0, end), 'x').length)).toEqual(
        readEventFile(bytes.subarray(0, end), 'x'),
      );
    for (const at of [0, 30, bytes.length - 5]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      expect(() => readEventFile(damaged, 'run/events')).toThrow(/^run\/events \(byte \d+\): is /);
    }
    expect(() => readEventFile(Buffer.from('step,loss\n1,2\n3,4\n'), 'a.csv')).toThrow(
      'is no TensorBoard event file',
    );
  });
});
