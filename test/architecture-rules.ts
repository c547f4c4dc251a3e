/**
 * The shape of the repository as rules that a test can hold: who may import whom, how long a file may grow, that every file says
 * what it is for, and who may print, end the process, touch the GPU or import React. ARCHITECTURE.md prints the same table.
 *
 * Imports are found by pattern in the source without its comments, types included: a type is a dependency on the module that
 * owns it. Gives up: an import written inside a string counts too.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

/** A file imports from its own folder and from folders of a strictly lower rank. (design.md section 3) */
export const ranks: Readonly<Record<string, number>> = {
  'src/core': 0,
  kernels: 0,
  'src/text': 1,
  'src/io': 1,
  'src/signatures': 1,
  'src/report': 2,
  'src/extract': 2,
  'src/filters': 2,
  'src/dedup': 2,
  'src/decontaminate': 2,
  'src/tokens': 2,
  'src/grader': 2,
  classifiers: 2,
  mixtures: 2,
  'src/stages': 3,
  'trainer/plan': 3.1,
  'trainer/problem-sets': 3.1,
  'trainer/rewards': 3.1,
  'trainer/gpu': 3.2,
  'trainer/model': 3.3,
  'trainer/prompts': 3.4,
  'trainer/convert': 3.4,
  'trainer/sampler': 3.4,
  'trainer/learner': 3.4,
  'trainer/training': 3.5,
  'trainer/evaluation': 3.5,
  'trainer/grpo': 3.6,
  'src/jobs': 4,
  'src/ablate': 5,
  'src/export': 5,
  'src/slurm': 5,
  'src/cluster-plan': 5,
  'src/serve': 5,
  'src/tui': 5,
  'src/cli': 6,
  'src/main.ts': 7,
  'src/index.ts': 7,
};

/** Plain JavaScript that runs before anything is installed: no ranks, but a header and a length. */
const outsideRanks = ['src/bin', 'src/setup'];
const maxLines = 400;
/** Package -> the only places that may load it. `import type` is free, since nothing of it remains at run time. */
const confined: Readonly<Record<string, readonly string[]>> = {
  webgpu: ['trainer/gpu/device.ts'],
  react: ['src/tui'],
  ink: ['src/tui'],
  '@inkjs/ui': ['src/tui'],
  commander: ['src/cli'],
};
const mayPrint = ['src/cli', 'src/tui', 'src/main.ts'];
const emptyNames = /^(utils?|helpers?|common|misc|types|shared|lib)\.tsx?$/;

export interface Import {
  specifier: string;
  /** Erased when compiled. */
  typeOnly: boolean;
  /** Loaded when reached, not at start. */
  dynamic: boolean;
}

/** Sources of the repository at `root`, as paths relative to it. */
export function listSources(root: string): string[] {
  return ['src', 'classifiers', 'mixtures', 'trainer', 'kernels']
    .filter((top) => existsSync(join(root, top)))
    .flatMap((top) =>
      readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map((file) => join(top, file)),
    )
    .filter((file) => /\.(tsx?|jsx?|mjs|cjs|wgsl)$/.test(file) && !file.endsWith('.d.ts'))
    .sort();
}

/** Everything that `file` imports or re-exports, statically or by `import()`. */
export function importsOf(root: string, file: string): Import[] {
  const text = withoutComments(readFileSync(join(root, file), 'utf8'));
  const fixed = [
    ...text.matchAll(/\b(?:import|export)\s+(type\s+)?(?:[\w$*{][^'"();]*?\sfrom\s*|)['"]([^'"\n]+)['"]/g),
  ].map(([, type, specifier]) => ({ specifier: specifier!, typeOnly: type !== undefined, dynamic: false }));
  const dynamic = [...text.matchAll(/\bimport\(\s*['"]([^'"\n]+)['"]/g)].map(([, specifier]) => ({
    specifier: specifier!,
    typeOnly: false,
    dynamic: true,
  }));
  return [...fixed, ...dynamic];
}

/** The package a bare specifier names; undefined for relative paths and Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

export function resolveImport(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier));
}

/** Everything at `root` that breaks a rule, one sentence each. */
export function violations(root: string): string[] {
  const files = listSources(root);
  const graph = new Map<string, string[]>();
  const found = files.flatMap((file) => {
    if (file.endsWith('.wgsl') || isUnder(file, outsideRanks)) return fileProblems(root, file);
    const imports = importsOf(root, file);
    const targets = imports
      .filter((i) => i.specifier.startsWith('.'))
      .map((i) => resolveImport(file, i.specifier));
    graph.set(file, targets);
    return [
      ...fileProblems(root, file),
      ...targets.flatMap((target) => importProblems(root, file, target)),
      ...imports.flatMap((i) => packageProblems(file, i)),
    ];
  });
  return [...found, ...cycles(graph)];
}

function fileProblems(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: string[] = [];
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > maxLines) found.push(`${file}: ${lines} lines, the limit is ${maxLines}`);
  if (!/^(#!.*\n)?\s*(\/\*\*?|\/\/)\s*\S/.test(text))
    found.push(`${file}: has no header saying what it is for`);
  if (file.endsWith('.wgsl')) return found;
  if (emptyNames.test(basename(file)))
    found.push(`${file}: a name that says nothing; name it for what it does`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(basename(file)))
    found.push(`${file}: not a kebab-case name`);
  if (isUnder(file, outsideRanks)) return found;
  if (!/\.tsx?$/.test(file)) found.push(`${file}: JavaScript belongs in ${outsideRanks.join(' or ')} only`);
  if (file.endsWith('.tsx') && !file.startsWith('src/tui/')) found.push(`${file}: JSX belongs in src/tui`);
  if (folderOf(file) === undefined) found.push(`${file}: belongs to no folder of the table`);
  const code = withoutComments(text);
  if (/\bconsole\.\w+\(|\bprocess\.(stdout|stderr)\b/.test(code) && !isUnder(file, mayPrint)) {
    found.push(`${file}: prints; only ${mayPrint.join(', ')} may`);
  }
  if (/\bprocess\.(exit|abort|reallyExit)\(/.test(code) && file !== 'src/main.ts') {
    found.push(`${file}: ends the process; only src/main.ts may`);
  }
  return found;
}

function importProblems(root: string, file: string, target: string): string[] {
  const [from, to] = [folderOf(file), folderOf(target)];
  if (!existsSync(join(root, target))) return [`${file}: imports ${target}, which does not exist`];
  if (target.startsWith('..') || to === undefined)
    return [`${file}: imports ${target}, which is in no folder of the table`];
  if (from !== undefined && from !== to && ranks[to]! >= ranks[from]!) {
    return [`${file}: imports ${target}, which is not below it`];
  }
  return [];
}

function packageProblems(file: string, { specifier, typeOnly }: Import): string[] {
  const name = packageOf(specifier);
  const places = confined[name ?? ''];
  if (places === undefined || typeOnly || isUnder(file, places)) return [];
  return [`${file}: loads ${name}; only ${places.join(', ')} may`];
}

/** Import cycles, each as the path that closes. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const walk = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`);
      return;
    }
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}

/** Source folders that README.md does not name in its tree; empty while there is no README. */
export function foldersMissingFromReadme(root: string): string[] {
  if (!existsSync(join(root, 'README.md'))) return [];
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const folders = new Set(listSources(root).map((file) => folderOf(file) ?? dirname(file)));
  // Written out in full (`src/core`), or as a line of a tree (`  core/   what all agree on`).
  return [...folders]
    .filter((folder) => !folder.endsWith('.ts'))
    .filter(
      (folder) =>
        !new RegExp(
          `(^|[\\s\`│├└─(/])${escaped(folder)}\\b|^[\\s│├└─]*${escaped(basename(folder))}/`,
          'm',
        ).test(readme),
    );
}

/** Paths that the documents at the root name in backticks and that are not there. Patterns (`<name>`, `*`) are left out. */
export function pathsMissingFromDocuments(root: string): string[] {
  const named = /`((?:src|classifiers|mixtures|trainer|kernels|test|data-cards)\/[\w./-]+)`/g;
  return readdirSync(root)
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(named)].map(([, path]) => ({ file, path: path! })),
    )
    .filter(({ path }) => !existsSync(join(root, path)))
    .map(({ file, path }) => `${file}: names ${path}, which does not exist`);
}

/** Packages that are loaded as soon as `entry` is, through static value imports; each with the chain of files to it. */
export function packagesLoadedBy(root: string, entry: string): Map<string, string> {
  const loaded = new Map<string, string>();
  const seen = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (seen.has(file) || !existsSync(join(root, file))) return;
    seen.add(file);
    for (const { specifier, typeOnly, dynamic } of importsOf(root, file)) {
      if (typeOnly || dynamic) continue;
      const name = packageOf(specifier);
      if (name !== undefined) loaded.set(name, loaded.get(name) ?? [...path, file].join(' -> '));
      else if (specifier.startsWith('.')) walk(resolveImport(file, specifier), [...path, file]);
    }
  };
  walk(entry, []);
  return loaded;
}

/** The entry of the rank table that a file belongs to. */
function folderOf(file: string): string | undefined {
  return Object.keys(ranks).find((folder) => file === folder || file.startsWith(`${folder}/`));
}

function isUnder(file: string, places: readonly string[]): boolean {
  return places.some((place) => file === place || file.startsWith(`${place}/`));
}

/** Strings are matched first, so that `//` inside one is not taken for a comment. */
function withoutComments(text: string): string {
  return text.replace(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_match, string: string | undefined) => string ?? ' ',
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
