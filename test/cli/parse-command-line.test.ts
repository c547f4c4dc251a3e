/** From argv to what is to be run, without running it. */
import { describe, expect, test } from 'vitest';
import type { Command, CommandEntry } from '../../src/cli/command.ts';
import { jsonOption } from '../../src/cli/command.ts';
import { listValue, shareValue } from '../../src/cli/parse.ts';
import { type Invocation, parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { UserError } from '../../src/core/errors.ts';

const mix: Command = {
  name: 'mix',
  summary: 'mix sources',
  arguments: [{ name: 'recipe', description: 'a recipe' }],
  options: [
    { flags: '--qa-ratio <share>', description: 'share of QA', parse: shareValue() },
    { flags: '--set <name=value>', description: 'a setting', parse: listValue(), default: [] },
    { flags: '-o, --output <folder>', description: 'where to', default: 'runs/mix' },
    { flags: '--no-cache', description: 'read everything again' },
    jsonOption,
  ],
  examples: [{ command: 'midtrain mix recipe.yaml --qa-ratio 0.3', what: 'a mixture with 30 % QA' }],
  run: async () => 0,
};
const tokenizer: Command = {
  name: 'tokenizer',
  summary: 'tokenizers',
  examples: [],
  subcommands: [
    {
      name: 'train',
      summary: 'train one',
      arguments: [{ name: 'files', description: 'text', required: true, variadic: true }],
      examples: [{ command: 'midtrain tokenizer train a.jsonl', what: 'one' }],
      run: async () => 0,
    },
  ],
  run: async () => 0,
};
const entries: CommandEntry[] = [
  { name: 'mix', summary: mix.summary, load: async () => ({ command: mix }) },
  { name: 'tokenizer', summary: tokenizer.summary, load: async () => ({ command: tokenizer }) },
  {
    name: 'broken',
    summary: 'cannot be loaded',
    load: () => Promise.reject(new Error('its file is broken')),
  },
];

const parse = (...argv: string[]): Promise<Invocation> => parseCommandLine(argv, entries, () => '1.2.3');

async function refusal(...argv: string[]): Promise<string> {
  const error: unknown = await parse(...argv).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  return `${(error as UserError).message} / ${(error as UserError).hint}`;
}

describe('flags and arguments', () => {
  test('come in any order, with a space or an equals sign', async () => {
    for (const argv of [
      ['mix', 'recipe.yaml', '--qa-ratio', '0.3'],
      ['mix', '--qa-ratio', '0.3', 'recipe.yaml'],
      ['mix', '--qa-ratio=0.3', 'recipe.yaml'],
    ]) {
      expect(await parse(...argv)).toEqual({
        kind: 'run',
        command: mix,
        args: ['recipe.yaml'],
        options: { qaRatio: 0.3, set: [], output: 'runs/mix', cache: true },
      });
    }
  });

  test('a flag that was not given is absent, a repeated one replaces the default and collects', async () => {
    const { options } = (await parse('mix', '--set', 'a=1', '--set', 'b=2', '--no-cache', '-o', 'x')) as {
      options: Record<string, unknown>;
    };
    expect(options).toEqual({ set: ['a=1', 'b=2'], output: 'x', cache: false });
    expect('qaRatio' in options).toBe(false);
  });

  test('what follows -- is an argument, whatever it looks like', async () => {
    expect(await parse('mix', '--', '--odd-name.yaml')).toMatchObject({ args: ['--odd-name.yaml'] });
  });

  test('a negative number is a value', async () => {
    expect(await refusal('mix', '--qa-ratio', '-1')).toBe(
      '--qa-ratio -1: a share lies between 0 and 1 / for example --qa-ratio 0.3',
    );
  });

  test('subcommands are found under their command', async () => {
    expect(await parse('tokenizer', 'train', 'a', 'b')).toMatchObject({ kind: 'run', args: ['a', 'b'] });
  });
});

describe('mistakes', () => {
  test('are answered with the nearest name', async () => {
    expect(await refusal('mixx')).toBe('unknown command "mixx" / did you mean "midtrain mix"?');
    expect(await refusal('tokenizer', 'trian', 'a')).toBe(
      'midtrain tokenizer: unknown subcommand "trian" / did you mean "midtrain tokenizer train"?',
    );
    expect(await refusal('mix', '--qa-ration', '0.3')).toBe(
      'midtrain mix: unknown flag --qa-ration / did you mean --qa-ratio? see "midtrain mix --help"',
    );
    expect(await refusal('mix', '--qa-ration=0.3')).toContain('did you mean --qa-ratio?');
  });

  test('far from any name are answered with the list', async () => {
    expect(await refusal('quantise')).toBe(
      'unknown command "quantise" / one of: mix, tokenizer, broken; see "midtrain --help"',
    );
    expect(await refusal('mix', '--xyzzy')).toContain(
      'known: --help, --qa-ratio, --set, --output, --no-cache, --json',
    );
    expect(await refusal('mix', '-x')).toContain('unknown flag -x');
  });

  test('name what is missing, with an example', async () => {
    expect(await refusal('tokenizer', 'train')).toBe(
      'midtrain tokenizer train: the argument <files> is missing / for example: midtrain tokenizer train a.jsonl; see "midtrain tokenizer train --help"',
    );
    expect(await refusal('mix', '--output')).toContain(
      'the flag -o, --output <folder> needs a value and none follows',
    );
  });

  test('of one argument too many are not swallowed', async () => {
    expect(await refusal('mix', 'a.yaml', 'b.yaml')).toContain(
      'too many arguments: a.yaml b.yaml / it takes <recipe>',
    );
  });
});

describe('help', () => {
  test('lists all commands without loading any', async () => {
    const help = (await parse('--help')) as { text: string; exitCode: number };
    expect(help.exitCode).toBe(0);
    for (const entry of entries) expect(help.text).toContain(`  ${entry.name.padEnd(9)}  ${entry.summary}`);
  });

  test('of a command shows its flags, defaults and examples, and loads only that command', async () => {
    for (const argv of [
      ['mix', '--help'],
      ['mix', 'r.yaml', '-h'],
      ['help', 'mix'],
    ]) {
      const { text } = (await parse(...argv)) as { text: string };
      expect(text).toContain('Usage: midtrain mix [options] [recipe]');
      expect(text).toMatch(/-o, --output <folder> +where to \(default: "runs\/mix"\)/);
      expect(text).toContain('  # a mixture with 30 % QA\n  midtrain mix recipe.yaml --qa-ratio 0.3\n');
    }
  });

  test('of a command with subcommands lists them; the bare command is a mistake that shows the same', async () => {
    const asked = (await parse('tokenizer', '--help')) as { text: string; exitCode: number };
    expect(asked.text).toContain('Subcommands:\n  train  train one');
    expect(asked.exitCode).toBe(0);
    expect(await parse('tokenizer')).toEqual({ kind: 'print', text: asked.text, exitCode: 1 });
    expect(await parse('tokenizer', 'train', '--help')).toMatchObject({ exitCode: 0 });
  });

  test('of everything else works while the file of one command is broken', async () => {
    await expect(parse('broken', '--help')).rejects.toThrow('its file is broken');
    expect(await parse('--version')).toEqual({ kind: 'print', text: '1.2.3\n', exitCode: 0 });
  });
});
