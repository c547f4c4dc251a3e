/**
 * `node src/setup/run.js <tool> [arguments]`: runs a tool of node_modules (vitest, biome, tsc, ...) or a TypeScript file of this project
 * (test/bench/filter.ts) on Node >= 24, whatever Node runs this. npm scripts use it, since on a fresh clone `node` is still the
 * machine's own when npm sets PATH.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { orExplain, SetupError } from './command.js';
import { ensureDependencies } from './dependencies.js';
import { runAndExit } from './launch.js';
import { newNode, packageRoot } from './places.js';

const packages = { tsc: 'typescript', biome: '@biomejs/biome' };

orExplain(async () => {
  const [tool, ...args] = process.argv.slice(2);
  if (tool === undefined)
    throw new SetupError('run.js: name a tool, for example: node src/setup/run.js vitest run');
  await ensureDependencies(packageRoot);
  const script = tool.endsWith('.ts') ? path.join(packageRoot, tool) : toolScript(tool);
  const node = newNode(packageRoot);
  // Child processes of the tool (vitest's workers start `node` by execPath, others by name) are to be new ones too.
  const PATH = [path.dirname(node), path.join(packageRoot, 'node_modules', '.bin'), process.env.PATH].join(
    path.delimiter,
  );
  runAndExit(node, [script, ...args], { ...process.env, PATH });
});

function toolScript(tool) {
  const home = path.join(packageRoot, 'node_modules', packages[tool] ?? tool);
  const manifest = path.join(home, 'package.json');
  const bin = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).bin : undefined;
  const script = typeof bin === 'string' ? bin : bin?.[tool];
  if (script === undefined)
    throw new SetupError(`run.js: ${tool} is no tool of this project's dev dependencies`);
  return path.join(home, script);
}
