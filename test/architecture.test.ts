/** Holds the repository to its shape, and holds the rules themselves to a tree with planted faults. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  foldersMissingFromReadme,
  importsOf,
  listSources,
  packagesLoadedBy,
  pathsMissingFromDocuments,
  violations,
} from './architecture-rules.ts';

const root = join(import.meta.dirname, '..');

describe('this repository', () => {
  test('keeps to the ranks, the lengths, the headers and the places where one may print, exit or load the GPU', () => {
    expect(listSources(root).length).toBeGreaterThan(50); // an empty list would pass everything
    expect(violations(root)).toEqual([]);
  });

  test('names every source folder in the README', () => {
    expect(foldersMissingFromReadme(root)).toEqual([]);
  });

  test('has every file and folder that its documents name', () => {
    expect(pathsMissingFromDocuments(root)).toEqual([]);
  });

  test('shows --help of any command without loading a package other than commander', () => {
    const isCommand = (file: string): boolean =>
      file.startsWith('src/cli/') &&
      /^export const command: Command\b/m.test(readFileSync(join(root, file), 'utf8'));
    const entries = ['src/main.ts', 'src/cli/read-flags.ts', ...listSources(root).filter(isCommand)];
    expect(entries.length).toBeGreaterThan(5);
    const loaded = entries.flatMap((entry) =>
      [...packagesLoadedBy(root, entry)]
        .filter(([name]) => name !== 'commander')
        .map(([name, path]) => `${name}: ${path}`),
    );
    expect([...new Set(loaded)]).toEqual([]);
  });
});

describe('the rules', () => {
  const trees: string[] = [];
  afterEach(() => {
    for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
  });

  /** A tree with these files; a header is added unless the text brings one. */
  function plant(files: Record<string, string>): string {
    const tree = mkdtempSync(join(tmpdir(), 'midtrain-shape-'));
    trees.push(tree);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), text);
    }
    return tree;
  }

  const clean = {
    'src/core/verdict.ts': '/** What a rule answers. */\nexport const keep = true;\n',
    'src/text/words.ts':
      "/** Words. */\nimport { keep } from '../core/verdict.ts';\nexport const words = keep;\n",
    'src/filters/rule.ts':
      "/** A rule. */\nimport type { words } from '../text/words.ts';\nexport type Rule = typeof words;\n",
    'src/cli/mix.ts':
      "/** A command. */\nexport const run = async () => (await import('../filters/rule.ts'));\nconsole.log(1);\n",
    'src/main.ts': "/** Main. */\nimport { run } from './cli/mix.ts';\nawait run();\nprocess.exit(0);\n",
    'trainer/gpu/device.ts':
      "/** The device. */\nimport { create } from 'webgpu';\nexport const gpu = create([]);\n",
    'src/tui/app.tsx': "/** The app. */\nimport { Box } from 'ink';\nexport const app = <Box />;\n",
    'src/bin/midtrain.js': '#!/usr/bin/env node\n/** Starts. */\nprocess.exit(0);\n',
    'kernels/rope/forward.wgsl': '// One thread per pair.\n@compute fn main() {}\n',
  };

  test('find nothing wrong in a clean tree', () => {
    expect(violations(plant(clean))).toEqual([]);
  });

  const faults: [name: string, files: Record<string, string>, expected: string[]][] = [
    [
      'an import of a higher folder',
      {
        'src/core/up.ts': "/** Up. */\nimport { words } from '../text/words.ts';\nexport const up = words;\n",
      },
      ['src/core/up.ts: imports src/text/words.ts, which is not below it'],
    ],
    [
      'an import of a folder at the same rank, though only of a type',
      {
        'src/io/side.ts':
          "/** Side. */\nimport type { words } from '../text/words.ts';\nexport type Side = typeof words;\n",
      },
      ['src/io/side.ts: imports src/text/words.ts, which is not below it'],
    ],
    [
      'an upward import() and an upward re-export',
      {
        'src/core/lazy.ts': "/** Lazy. */\nexport const late = () => import('../text/words.ts');\n",
        'src/core/again.ts': "/** Again. */\nexport * from '../text/words.ts';\n",
      },
      [
        'src/core/again.ts: imports src/text/words.ts, which is not below it',
        'src/core/lazy.ts: imports src/text/words.ts, which is not below it',
      ],
    ],
    [
      'an import over several lines',
      {
        'src/core/wide.ts':
          "/** Wide. */\nimport {\n  words, // all of them\n} from '../text/words.ts';\nexport const wide = words;\n",
      },
      ['src/core/wide.ts: imports src/text/words.ts, which is not below it'],
    ],
    [
      'a cycle within a folder',
      {
        'src/core/a.ts': "/** A. */\nimport { b } from './b.ts';\nexport const a = b;\n",
        'src/core/b.ts': "/** B. */\nimport { a } from './a.ts';\nexport const b = a;\n",
      },
      ['cycle: src/core/a.ts -> src/core/b.ts -> src/core/a.ts'],
    ],
    [
      'a file of 401 lines',
      { 'src/core/long.ts': `/** Long. */\n${'export {};\n'.repeat(400)}` },
      ['src/core/long.ts: 401 lines, the limit is 400'],
    ],
    [
      'a source, a set-up script and a shader without header',
      {
        'src/core/bare.ts': 'export {};\n',
        'src/setup/bare.js': 'export {};\n',
        'kernels/rope/bare.wgsl': '@compute fn main() {}\n',
      },
      [
        'kernels/rope/bare.wgsl: has no header saying what it is for',
        'src/core/bare.ts: has no header saying what it is for',
        'src/setup/bare.js: has no header saying what it is for',
      ],
    ],
    [
      'printing and exiting below the command line',
      {
        'src/core/loud.ts': '/** Loud. */\nconsole.log(1);\n',
        'trainer/gpu/quit.ts': '/** Quit. */\nprocess.exit(1);\n',
      },
      [
        'src/core/loud.ts: prints; only src/cli, src/tui, src/main.ts may',
        'trainer/gpu/quit.ts: ends the process; only src/main.ts may',
      ],
    ],
    [
      'exiting in a command',
      { 'src/cli/quit.ts': '/** Quit. */\nprocess.exit(1);\n' },
      ['src/cli/quit.ts: ends the process; only src/main.ts may'],
    ],
    [
      'the GPU and React loaded elsewhere',
      {
        'trainer/gpu/gpu.ts': "/** Gpu. */\nimport { globals } from 'webgpu';\nexport { globals };\n",
        'src/report/page.ts': "/** Page. */\nexport const page = () => import('react');\n",
      },
      [
        'src/report/page.ts: loads react; only src/tui may',
        'trainer/gpu/gpu.ts: loads webgpu; only trainer/gpu/device.ts may',
      ],
    ],
    [
      'files without a place, JSX outside the terminal, and names that say nothing',
      {
        'src/stray.ts': '/** Stray. */\nexport {};\n',
        'src/report/page.tsx': '/** Page. */\nexport {};\n',
        'src/core/utils.ts': '/** Everything. */\nexport {};\n',
        'src/core/BigThing.ts': '/** Big. */\nexport {};\n',
        'trainer/gpu/old.js': '/** Old. */\n',
      },
      [
        'src/core/BigThing.ts: not a kebab-case name',
        'src/core/utils.ts: a name that says nothing; name it for what it does',
        'src/report/page.tsx: JSX belongs in src/tui',
        'src/stray.ts: belongs to no folder of the table',
        'trainer/gpu/old.js: JavaScript belongs in src/bin or src/setup only',
      ],
    ],
    [
      'an import of a file that does not exist',
      { 'src/core/lost.ts': "/** Lost. */\nimport { gone } from './gone.ts';\nexport { gone };\n" },
      ['src/core/lost.ts: imports src/core/gone.ts, which does not exist'],
    ],
  ];
  for (const [name, files, expected] of faults) {
    test(`report ${name}`, () => {
      expect(violations(plant({ ...clean, ...files })).sort()).toEqual([...expected].sort());
    });
  }

  test('ignore what only a comment says, and a type of a confined package', () => {
    const tree = plant({
      ...clean,
      'src/core/said.ts':
        "/** Nobody calls console.log( or process.exit( here. */\n// import './x.ts'\nexport const url = 'http://x';\n",
      'trainer/gpu/typed.ts':
        "/** Typed. */\nimport type { globals } from 'webgpu';\nexport type G = typeof globals;\n",
    });
    expect(violations(tree)).toEqual([]);
  });

  test('see every form of import', () => {
    const tree = plant({
      'src/core/forms.ts':
        "/** Forms. */\nimport './a.ts';\nimport b, { c } from './b.ts';\nimport * as d from 'pkg/sub';\nimport type { E } from '@org/e/f';\n" +
        "export { g } from './g.ts';\nexport type { H } from './h.ts';\nconst i = await import('./i.ts');\nconst text = 'from nowhere';\n",
    });
    expect(importsOf(tree, 'src/core/forms.ts')).toEqual([
      { specifier: './a.ts', typeOnly: false, dynamic: false },
      { specifier: './b.ts', typeOnly: false, dynamic: false },
      { specifier: 'pkg/sub', typeOnly: false, dynamic: false },
      { specifier: '@org/e/f', typeOnly: true, dynamic: false },
      { specifier: './g.ts', typeOnly: false, dynamic: false },
      { specifier: './h.ts', typeOnly: true, dynamic: false },
      { specifier: './i.ts', typeOnly: false, dynamic: true },
    ]);
  });

  test('follow static value imports, and only those, to the packages that a file loads', () => {
    const tree = plant({
      'src/cli/a.ts':
        "/** A. */\nimport { b } from '../core/b.ts';\nimport type { z } from 'zod';\nexport const later = () => import('ink');\n",
      'src/core/b.ts': "/** B. */\nexport * from 'yaml';\n",
    });
    expect([...packagesLoadedBy(tree, 'src/cli/a.ts')]).toEqual([['yaml', 'src/cli/a.ts -> src/core/b.ts']]);
  });

  test('report paths in documents that lead nowhere', () => {
    const text =
      'See `src/core/verdict.ts`, `src/gone.ts`, `kernels/`, `src/<name>.ts` and `mixtures/*.yaml`.\n';
    expect(pathsMissingFromDocuments(plant({ ...clean, 'NOTES.md': text }))).toEqual([
      'NOTES.md: names src/gone.ts, which does not exist',
    ]);
  });

  test('report source folders that the README leaves out, and accept a tree or a path', () => {
    const named =
      'src/\n  core/   what all agree on\n├── text/\n\nand `src/cli`, `trainer/gpu`, kernels/ and src/tui, src/bin.\n';
    expect(foldersMissingFromReadme(plant({ ...clean, 'README.md': named }))).toEqual(['src/filters']);
  });
});
