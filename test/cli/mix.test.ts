/** `midtrain mix` and `midtrain tokenizer train` from their flags to what they print. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { command as mixCommand } from '../../src/cli/mix.ts';
import { readFlags } from '../../src/cli/read-flags.ts';
import { command as tokenizerCommand } from '../../src/cli/tokenizer.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { takeLock } from '../../src/jobs/lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mix-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(
  command: Command,
  argv: string[],
  cwd = folder,
): Promise<{ code: number; out: string; events: ProgressEvent[] }> {
  const flags = readFlags(command, command.name, argv);
  if ('help' in flags) return { code: 0, out: flags.help, events: [] };
  let out = '';
  const events: ProgressEvent[] = [];
  const code = await command.run(
    {
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
      write: (text) => (out += text),
      json: flags.options.json === true,
      cwd,
    },
    flags.args,
    flags.options,
  );
  return { code, out, events };
}

const messages = (events: ProgressEvent[]) => events.flatMap((e) => (e.kind === 'message' ? [e.text] : []));

describe('the estimate of a dry run', () => {
  test('says steps, time and disk of a recipe that says how it is trained', async () => {
    const { out } = await run(mixCommand, ['decay-long', '--dry-run', '--tflops', '990']);
    expect(out).toMatch(/steps +4768 of 4\.19M tokens/);
    expect(out).toMatch(/EFLOP for Llama-3\.2-3B/);
    expect(out).toMatch(/time +about \d+ days/);
    const json = await run(mixCommand, ['decay-long', '--dry-run', '--json', '--model', 'llama-3.2-1b']);
    const { estimate } = JSON.parse(json.out) as { estimate: { steps: number; trainingFlops: number } };
    expect(estimate.steps).toBe(4768);
    expect(estimate.trainingFlops / 1e20).toBeCloseTo(2.13, 1);
  });
});

describe('midtrain mix', () => {
  test('one run at a time works in a folder; one that was refused leaves nothing behind', async () => {
    const out = join(folder, 'busy');
    await mkdir(out);
    const lock = takeLock(out);
    await expect(run(mixCommand, ['demo', '--out', out])).rejects.toThrow(
      /another run \(process \d+\) is working/,
    );
    lock.release();
    expect(await readdir(out)).toEqual([]);
    const refused = join(folder, 'refused');
    await expect(run(mixCommand, ['stable', '--out', refused])).rejects.toThrow(/not on this machine/);
    expect(existsSync(refused)).toBe(false);
    expect((await run(mixCommand, ['demo', '--budget', '4k', '--out', out])).code).toBe(0);
    expect(await readdir(out)).not.toContain('job.lock');
  });

  test('--qa-ratio 0.3 without a recipe takes the bundled demo and says so', async () => {
    const { code, out, events } = await run(mixCommand, ['--qa-ratio', '0.3']);
    expect(code).toBe(0);
    expect(messages(events)).toContain(
      'recipe: the bundled demo (none was given and there is no ./mixture.yaml)',
    );
    expect(out).toMatch(/^mixture demo: \d+ sequences of 128 \+ 1 tokens/);
    expect(out).toMatch(/arithmetic-qa +qa +20.00 % +own/);
    expect(existsSync(join(folder, 'runs/demo-mix/manifest.json'))).toBe(true);
    expect((await run(mixCommand, ['--qa-ratio', '0.3'])).out).toMatch(/already there/);
  });

  test('flags may come before the recipe, and ./mixture.yaml goes before the demo', async () => {
    const cwd = await mkdtemp(join(folder, 'own-'));
    await writeFile(
      join(cwd, 'w.jsonl'),
      Array.from({ length: 50 }, (_, i) => `{"text":"page ${i} says little"}`).join('\n'),
    );
    await writeFile(
      join(cwd, 'mixture.yaml'),
      'name: mine\ntokenizer: { train: {} }\nsequenceLength: 31\nfill: w\nsources: { w: { role: web, data: ./w.jsonl } }\n',
    );
    const found = await run(mixCommand, ['--dry-run'], cwd);
    expect(messages(found.events)).toContain('recipe: ./mixture.yaml (none was given)');
    expect(found.out).toMatch(/^mixture mine/);
    const given = await run(mixCommand, ['--budget', '320', 'mixture.yaml', '--json', '--out', 'x'], cwd);
    expect(JSON.parse(given.out)).toMatchObject({
      reused: false,
      failures: [],
      manifest: { name: 'mine', sequences: 10, totalTokens: 320 },
    });
  });

  test('--dry-run of a recipe of the paper plans with the sizes of its cards and shows every tag', async () => {
    const { code, out } = await run(mixCommand, [
      'decay-long',
      '--dry-run',
      '--qa-ratio',
      '0.4',
      '--cot-ratio',
      '0.4',
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/dclm-baseline +general +5.00 % +summary +text \(own\) +1B/);
    expect(out).toMatch(/openr1-math-220k +long-cot +20.00 % +own +question-think \(summary\)/);
    expect(out).toMatch(/megamath-web-pro +web +45.00 %/);
    expect(existsSync(join(folder, 'runs/decay-long-mix'))).toBe(false);
  });

  test('a plan that cannot be made ends a dry run with exit code 1 and says what falls short', async () => {
    const { code, out } = await run(mixCommand, ['demo', '--dry-run', '--budget', '1M']);
    expect(code).toBe(1);
    expect(out).toMatch(/cannot be made: notes: needs 600k tokens and has [\d.]+k, so it would be read/);
  });

  test.each([
    [['--qa-ratio', '30'], /--qa-ratio 30: a share lies between 0 and 1/],
    [['--qa-ration', '0.3'], /unknown flag --qa-ration/],
    [['--set', 'notes'], /--set: "notes" is not of the form source=share/],
    [['--set', 'nots=0.2'], /no source "nots"; did you mean "notes"/],
    [['--set', 'notes=0.2', '--set', 'notes=0.3'], /--set: notes is set twice/],
    [['--budget', 'much'], /--budget: "much" is not a count/],
    [['decay-shrt'], /no recipe "decay-shrt"; did you mean "decay-short"/],
    [['decay-short'], /the data of 6 sources is|the data of 6 sources are not on this machine/],
    [['demo', '--data', 'notes'], /--data: "notes" is not of the form source=path/],
    [['demo', '--tokenizer', './nowhere', '--dry-run'], /nowhere: no such tokenizer/],
  ])('%s is an error that says what to type', async (argv, message) => {
    await expect(run(mixCommand, argv)).rejects.toThrow(message);
  });

  test('its help shows examples, and each of them is a command line that reads', () => {
    for (const { command } of mixCommand.examples) {
      expect(() => readFlags(mixCommand, 'midtrain mix', command.split(' ').slice(2))).not.toThrow();
    }
    expect((readFlags(mixCommand, 'midtrain mix', ['--help']) as { help: string }).help).toContain(
      'midtrain mix --qa-ratio 0.3',
    );
  });
});

describe('midtrain tokenizer train', () => {
  const train = tokenizerCommand.subcommands![0]!;

  test('trains on columns of a file, and mix takes the result', async () => {
    await writeFile(
      join(folder, 'qa.jsonl'),
      Array.from({ length: 200 }, (_, i) =>
        JSON.stringify({ question: `what is ${i} plus ${i}`, answer: `it is ${2 * i}` }),
      ).join('\n'),
    );
    const { code, out } = await run(train, [
      '--vocab-size',
      '262',
      '--out',
      'tok',
      '--text-column',
      'question',
      '--text-column',
      'answer',
      'qa.jsonl',
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/tok: 262 tokens \(5 merges\) from 200 documents/);
    const config = JSON.parse(await readFile(join(folder, 'tok/tokenizer_config.json'), 'utf8')) as {
      eos_token: string;
    };
    expect(config.eos_token).toBe('<|endoftext|>');
    const mixed = await run(mixCommand, [
      'demo',
      '--tokenizer',
      'tok',
      '--out',
      'with-tok',
      '--budget',
      '13k',
      '--json',
    ]);
    expect((JSON.parse(mixed.out) as { manifest: { tokenizer: unknown } }).manifest.tokenizer).toMatchObject({
      name: 'tok',
      vocabSize: 262,
    });
  });

  test('a size that is too small and a column that is not there are errors with the cure', async () => {
    await writeFile(join(folder, 'plain.jsonl'), '{"text":"abc"}\n');
    await expect(run(train, ['--vocab-size', '10', 'plain.jsonl'])).rejects.toThrow(
      /vocabulary size 10 is too small/,
    );
    await expect(run(train, ['--text-column', 'body', 'plain.jsonl'])).rejects.toThrow(
      /none of its 1 records .* its columns are .*text/,
    );
    await expect(run(train, [])).rejects.toThrow(/argument <inputs> is missing|<inputs/);
  });
});
