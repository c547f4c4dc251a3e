/** `midtrain diagnose` as a command: what it prints of runs and foreign logs, and what it says of inputs that are none. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../src/cli/diagnose.ts';
import { grpoRun, writeRunFolders } from '../report/make-run-records.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'diagnose-'));
  const rows = Array.from({ length: 12 }, (_, i) => ({
    step: i,
    'completions/clipped_ratio': 0.7,
    'completions/mean_length': 990,
    entropy: 0.5,
  }));
  mkdirSync(path.join(cwd, 'out'));
  writeFileSync(path.join(cwd, 'out', 'trainer_state.json'), JSON.stringify({ log_history: rows }));
  const sound = Array.from({ length: 20 }, (_, i) => `${i},0.5`).join('\n');
  writeFileSync(path.join(cwd, 'sound.csv'), `step,entropy\n${sound}\n`);
  writeFileSync(path.join(cwd, 'nothing.csv'), 'a,b\n1,2\n');
  writeFileSync(
    path.join(cwd, 'mild.yaml'),
    'name: x\nsignatures:\n  length_explosion: { threshold: 0.8 }\n',
  );
  writeFileSync(path.join(cwd, 'wrong.yaml'), 'signatures:\n  length_explosions: {}\n');
  writeRunFolders(path.join(cwd, 'runs'), [grpoRun({ collapse: true })]);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

async function diagnose(args: string[], options: Record<string, unknown> = {}): Promise<string> {
  let output = '';
  const context = {
    emit: () => {},
    signal: new AbortController().signal,
    write: (text: string) => void (output += text),
    json: options.json === true,
    cwd,
  };
  expect(await command.run(context, args, options)).toBe(0);
  return output;
}

/** As the command line parses it. */
const cap = (...texts: string[]) => {
  const parse = command.options!.find(({ flags }) => flags.startsWith('--cap'))!.parse!;
  return texts.reduce<unknown>((before, text) => parse(text, '--cap', before), undefined);
};

describe('midtrain diagnose', () => {
  it("reads TRL's log, named by its folder, with the length it is told", async () => {
    const output = await diagnose(['out/trainer_state.json'], { cap: cap('1000') });
    expect(output).toMatch(
      /^out \(12 steps, responses of at most 1000 tokens\): length saturation, length explosion\n/,
    );
    expect(output).toContain('FOUND  Length explosion at step 7: over the last 8 steps 70.0 % of responses');
    expect(output).toContain('clear  No entropy collapse: at least 1.00 x the start');
    expect(output).toContain('not in the log: repetition loop, premature answer, accuracy collapse');
  });

  it('takes the length of the run that a name fits, and thresholds of a config', async () => {
    const runs = JSON.parse(
      await diagnose(['out/trainer_state.json', 'sound.csv'], {
        json: true,
        cap: cap('10K', 'out=2000'),
        config: 'mild.yaml',
      }),
    ).runs;
    expect(runs).toMatchObject([
      { run: 'out', cap: 2000, findings: [] },
      { run: 'sound', cap: 10_000, steps: 20, findings: [] },
    ]);
  });

  it('reads a run folder with what it stored', async () => {
    const { findings } = JSON.parse(await diagnose(['runs'], { json: true })).runs[0];
    const names = findings.map((f: { signature: string }) => f.signature);
    expect(names).toEqual(
      expect.arrayContaining(['accuracy_collapse', 'length_saturation', 'repetition_loop']),
    );
  });

  it('says what is wrong with what it is given', async () => {
    await expect(diagnose(['gone.csv'])).rejects.toThrow('gone.csv: there is no such file or folder');
    await expect(diagnose(['nothing.csv'])).rejects.toThrow(
      'nothing.csv: has no step column; its first columns are a, b',
    );
    await expect(diagnose(['sound.csv'], { config: 'wrong.yaml' })).rejects.toThrow('length_explosion');
    expect(() => cap('many')).toThrow('not a count');
  });
});
