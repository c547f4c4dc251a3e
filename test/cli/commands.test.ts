/** What holds for every command: it is listed, its help shows examples that the program accepts, and its flags change on purpose. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/index.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { repository } from '../run-cli.ts';

const loaded = await Promise.all(
  commands.map(async (entry) => ({ entry, command: (await entry.load()).command })),
);

/** A command and those under it, each with the words that call it. */
function all(command: Command, path = `midtrain ${command.name}`): { command: Command; path: string }[] {
  return [
    { command, path },
    ...(command.subcommands ?? []).flatMap((sub) => all(sub, `${path} ${sub.name}`)),
  ];
}

const everyCommand = loaded.flatMap(({ command }) => all(command));

test('every command file is listed', () => {
  const files = readdirSync(join(repository, 'src/cli')).filter((file) =>
    /^export const command: Command\b/m.test(readFileSync(join(repository, 'src/cli', file), 'utf8')),
  );
  expect(files.map((file) => file.replace(/\.ts$/, '')).sort()).toEqual(
    commands.map((entry) => entry.name).sort(),
  );
});

for (const { entry, command } of loaded) {
  test(`${entry.name} has one name and one summary, in lower case and without a full stop`, () => {
    expect({ name: command.name, summary: command.summary }).toEqual({
      name: entry.name,
      summary: entry.summary,
    });
    expect(entry.summary).toMatch(/^[^A-Z\n].*[^.\n]$/);
    expect(entry.summary.length).toBeLessThanOrEqual(80);
  });
}

describe.each(everyCommand)('$path', ({ command, path }) => {
  test('shows in --help an example for each way to use it', async () => {
    expect(command.examples.length).toBeGreaterThan(0);
    const words = path.split(' ').slice(1);
    const help = await parseCommandLine([...words, '--help'], commands, () => '');
    expect(help).toMatchObject({ kind: 'print', exitCode: 0 });
    const { text } = help as { text: string };
    for (const example of command.examples)
      expect(text).toContain(`  # ${example.what}\n  ${example.command}\n`);
  });

  test.each(command.examples.map((example) => example.command))(
    'accepts its example: %s',
    async (example) => {
      const words = shellWords(example).filter(
        (word, i, list) => !(/^[A-Z_]+=/.test(word) && list.slice(0, i).every((w) => /^[A-Z_]+=/.test(w))),
      );
      const program = words[0] === 'npx' ? words[1] : words[0];
      expect(['midtrain', 'mix']).toContain(program);
      const argv = words.slice(words[0] === 'npx' ? 2 : 1);
      const invocation = await parseCommandLine(
        program === 'mix' ? ['mix', ...argv] : argv,
        commands,
        () => '',
      );
      expect(invocation.kind).toBe('run');
      // Files that come with midtrain must be there under the name that the example gives.
      for (const word of argv.filter((w) => /^(mixtures|data-cards|trainer|src)\//.test(w))) {
        expect([word, existsSync(join(repository, word))]).toEqual([word, true]);
      }
    },
  );

  test('names in its descriptions no default that differs from the real one', () => {
    for (const option of command.options ?? []) {
      if (option.default !== undefined)
        expect([option.flags, option.description]).not.toEqual([
          option.flags,
          expect.stringContaining('(default'),
        ]);
    }
  });
});

/** Scripts depend on these. A change here is a change for users and belongs in CHANGELOG.md. */
test('the flags of all commands are these', async () => {
  const list = everyCommand.map(({ command, path }) => {
    const args = (command.arguments ?? []).map(
      (a) => (a.required ? `<${a.name}>` : `[${a.name}]`) + (a.variadic ? '...' : ''),
    );
    const flags = (command.options ?? []).map(
      (o) => `  ${o.flags}${o.default === undefined ? '' : ` = ${JSON.stringify(o.default)}`}`,
    );
    return [[path, ...args].join(' '), ...flags].join('\n');
  });
  await expect(`${list.join('\n')}\n`).toMatchFileSnapshot('flags.txt');
});

/** Words of a command line with plain, single- and double-quoted parts. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/["']/g, ''));
}
