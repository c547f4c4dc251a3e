/**
 * `midtrain eval` as it is typed: flags that do not go together, several models in one command with their comparison, the JSON, and a process
 * that is killed in the middle and goes on.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../src/cli/eval.ts';
import { ksOf, outFolders, requestOf } from '../../src/cli/eval-request.ts';
import { comparisonText } from '../../src/cli/eval-text.ts';
import { commands } from '../../src/cli/index.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { openDevice } from '../../trainer/gpu/device.ts';
import { ensureBuilt, runCli } from '../run-cli.ts';
import { sums, writeEvalModel, writeRecords } from '../trainer/eval-model.ts';

const root = mkdtempSync(path.join(tmpdir(), 'eval-cli-'));
const problems = path.join(root, 'sums.jsonl');

beforeAll(async () => {
  const gpu = await openDevice();
  await writeEvalModel(gpu, path.join(root, 'a'), 1);
  await writeEvalModel(gpu, path.join(root, 'b'), 2);
  await gpu.close();
  writeRecords(problems, sums(8));
  writeRecords(path.join(root, 'more.jsonl'), sums(20));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs the command in this process; what it wrote. */
async function run(argv: string[]): Promise<string> {
  const invocation = await parseCommandLine(['eval', ...argv], commands, () => '');
  if (invocation.kind !== 'run') throw new Error(JSON.stringify(invocation));
  let out = '';
  const context = {
    emit: () => {},
    signal: new AbortController().signal,
    write: (text: string) => {
      out += text;
    },
    json: argv.includes('--json'),
    cwd: root,
  };
  await command.run(context, invocation.args, invocation.options);
  return out;
}

const sampled = ['--max-tokens', '4', '--temperature', '1', '--samples', '64', '--extract', 'auto'];

describe('flags', () => {
  const defaults = { template: 'simple', fewShot: '0', samples: 1, temperature: 0, problems: ['x.jsonl'] };

  it('that do not go together are refused with the cure', () => {
    expect(() => requestOf({ ...defaults, problems: undefined }, root)).toThrow('no problems given');
    expect(() => requestOf({ ...defaults, samples: 4 }, root)).toThrow(
      '--samples 4 with --temperature 0: greedy answers are all the same',
    );
    expect(() => requestOf({ ...defaults, fewShot: 'many' }, root)).toThrow(
      '--few-shot many: expected a number of examples, or usual',
    );
    expect(() => requestOf({ ...defaults, levels: '3..5' }, root)).toThrow('expected levels such as 3-5');
    expect(() => requestOf({ ...defaults, problems: ['suite:octothinkr'] }, root)).toThrow(
      'did you mean suite:octothinker?',
    );
    expect(() => ksOf('1,8', 4)).toThrow('every k lies between 1 and the number of samples, 4');
    expect(ksOf('4, 1,4', 4)).toEqual([1, 4]);
  });

  it('name whole suites, and select from every set', () => {
    const { sets } = requestOf(
      { ...defaults, problems: ['suite:octothinker'], levels: '3-5', subjects: 'a, b', count: 7 },
      root,
    );
    // The 13 benchmarks of the paper's tables.
    expect(sets).toHaveLength(13);
    expect(sets[0]).toEqual({ set: 'amc23', levels: '3-5', subjects: ['a', 'b'], count: 7 });
  });

  it('give each of several models a folder that tells them apart', () => {
    const models = [
      '/r/long/rl/checkpoints/step-0000040',
      '/r/short/rl/checkpoints/step-0000040',
      '/m/llama',
    ];
    expect(outFolders(models, 'out', '/w')).toEqual([
      '/w/out/rl-step-0000040',
      '/w/out/rl-step-0000040-2',
      '/w/out/llama',
    ]);
    expect(outFolders(models.slice(2), 'out', '/w')).toEqual(['/w/out']);
    expect(outFolders(models, undefined, '/w')).toEqual([undefined, undefined, undefined]);
  });
});

describe('two models', () => {
  it('are evaluated and compared in one command, and once more from their folders', async () => {
    const json = JSON.parse(
      await run(['a', 'b', '--problems', 'sums.jsonl', ...sampled, '--k', '1,64', '--out', 'both', '--json']),
    );
    expect(json.models.map(({ model }: { model: string }) => path.basename(model))).toEqual(['a', 'b']);
    const [{ benchmarks }] = json.models;
    expect(benchmarks[0]).toMatchObject({
      name: 'sums',
      problems: 8,
      samples: 64,
      template: 'simple',
      fewShot: 0,
    });
    expect(Object.keys(benchmarks[0].passAt)).toEqual(['1', '64']);
    expect(benchmarks[0].answers[3]).toMatchObject({ id: 'p3', expected: '0' });
    const again = JSON.parse(await run(['--compare', 'both/a', 'both/b', '--json']));
    expect(again.benchmarks).toEqual(json.comparisons[0].benchmarks);
    expect(await run(['--compare', 'both/a', 'both/b'])).toMatch(
      /^both\/a -> both\/b\nsums: [\d.]+ % -> [\d.]+ % on 8 problems; difference -?[\d.]+ %/,
    );
    await expect(run(['--compare', 'both/a'])).rejects.toThrow('--compare takes two result folders, not 1');
  });

  it('whose texts hold escapes leave none on the terminal', () => {
    const compared = {
      benchmarks: {
        x: {
          problems: 1,
          first: 0,
          second: 1,
          difference: { value: 1, low: 1, high: 1 },
          gained: ['\u001b[31mred'],
          lost: [],
          onlyFirst: [],
          onlySecond: [],
          different: [],
        },
      },
      onlyFirst: [],
      onlySecond: [],
    };
    expect(comparisonText('a', 'b', compared)).not.toContain('\u001b');
  });
});

it('a dry run says what would be asked, and writes nothing', async () => {
  const text = await run(['a', '--problems', 'sums.jsonl', '--max-tokens', '4', '--out', 'dry', '--dry-run']);
  expect(text).toContain('sums: 8 problems in 1 parts');
  expect(text).toContain('prompt   simple, no examples, longest');
  expect(existsSync(path.join(root, 'dry'))).toBe(false);
  // A file alone has no usual number of examples.
  const usual = await run([
    'a',
    '--problems',
    'sums.jsonl',
    '--max-tokens',
    '4',
    '--few-shot',
    'usual',
    '--dry-run',
  ]);
  expect(usual).toMatch(
    /warning: sums: no card says how many worked examples are usual, .*\(name=file reads/,
  );
});

it('a process that is killed leaves finished parts, and the same command ends with the same bytes', async () => {
  await ensureBuilt();
  const folder = (out: string): string => path.join(root, out);
  const part = (n: number): string => path.join(folder('killed'), 'more', `part-0000${n}.parquet`);
  const argv = (out: string): string[] => [
    folder('a'),
    '--problems',
    path.join(root, 'more.jsonl'),
    ...sampled,
    '--out',
    folder(out),
  ];
  const killed = await runCli(['eval', ...argv('killed'), '--batch', '8'], {
    timeoutMs: 120_000,
    // What opening a device in this process has set would keep that one from finding its own.
    env: { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined },
    during: async (child) => {
      while (child.exitCode === null && !existsSync(part(0))) await sleep(5);
      child.kill('SIGKILL');
    },
  });
  expect([existsSync(part(0)), existsSync(part(4))], killed.stderr).toEqual([true, false]);
  await run(argv('killed'));
  await run(argv('left-alone'));
  const bytes = (out: string) =>
    readdirSync(path.join(folder(out), 'more')).map((name) => [
      name,
      readFileSync(path.join(folder(out), 'more', name)).toString('hex'),
    ]);
  expect(bytes('killed')).toHaveLength(5);
  expect(bytes('killed')).toEqual(bytes('left-alone'));
}, 240_000);
