/** Ctrl-C and `kill -9` of a grid, within a mixture, within training, within RL and between steps: given again it ends with the same results and weights. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { repository } from '../run-cli.ts';
import { tinyExperiment } from './grid-experiment.ts';

// Some seconds of work each, but the machine may be busy.
vi.setConfig({ testTimeout: 600_000 });

const root = mkdtempSync(join(tmpdir(), 'midtrain-kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const long = { train: { stable: { steps: 24 }, decay: { steps: 8 } }, grpo: { steps: 6 } };
writeFileSync(
  join(root, 'tiny.yaml'),
  JSON.stringify(tinyExperiment({ base: long, arms: { 'qa-0': null } })),
);

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

/** Runs the grid; is killed as soon as a file of the store matches `until`. */
function ablate(name: string, until?: string, kill: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
  const folder = join(root, name);
  const child = spawn(
    process.execPath,
    [
      join(repository, 'src/main.ts'),
      'ablate',
      'tiny.yaml',
      '--store',
      join(folder, 'store'),
      '--out',
      join(folder, 'out'),
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  const watch =
    until === undefined
      ? undefined
      : setInterval(() => {
          if (globSync(until, { cwd: join(folder, 'store') }).length === 0) return;
          clearInterval(watch); // once: a second Ctrl-C ends a process at once
          child.kill(kill);
        }, 2);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      clearInterval(watch);
      resolve({ code, signal, output });
    });
  });
}

/** What a rerun must give again: the data of the report, and the weights of every run of RL. */
function resultsOf(name: string): { data: unknown; weights: Record<string, string> } {
  const folder = join(root, name);
  const { data } = JSON.parse(readFileSync(join(folder, 'out', 'results.json'), 'utf8')) as { data: unknown };
  const files = globSync('{grpo,train-decay}-*/**/model.safetensors', { cwd: join(folder, 'store') }).sort();
  const hash = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, 'store', file)))
      .digest('hex');
  return { data, weights: Object.fromEntries(files.map((file) => [file, hash(file)])) };
}

test('a grid that was stopped once and killed in three places ends as one that was not', async () => {
  expect(await ablate('whole')).toMatchObject({ code: 0 });
  const stopped = await ablate('killed', 'mix-*/run/cache/*', 'SIGINT');
  expect(stopped).toMatchObject({ code: 130, signal: null });
  const results = join(root, 'killed', 'out', 'results.json');
  expect(existsSync(results)).toBe(true); // what there is when it was stopped
  rmSync(results);
  const places: Record<string, string> = {
    'within training': 'train-stable-*/stable/checkpoints/step-0000004/state/complete.json',
    'between steps': 'train-decay-*/step.json',
    'within RL': 'grpo-*/run/checkpoints/step-0000002/state/complete.json',
  };
  for (const [place, file] of Object.entries(places)) {
    const { signal, output } = await ablate('killed', file);
    expect({ place, signal, output }).toMatchObject({ signal: 'SIGKILL' });
    expect(existsSync(results)).toBe(false);
  }
  const last = await ablate('killed');
  expect(last).toMatchObject({ code: 0 });
  expect(last.output).toMatch(/: [1-9]\d* done before, [1-9]\d* to do/);
  const [whole, killed] = [resultsOf('whole'), resultsOf('killed')];
  expect(killed.data).toEqual(whole.data);
  expect(killed.weights).toEqual(whole.weights);
  expect(Object.keys(whole.weights).length).toBeGreaterThan(1);
});
