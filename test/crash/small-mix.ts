/** Small mixtures for crash tests: local files, a generator, and a source on a fake Hub; each run a child of its own or in this process. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadRecipe } from '../../mixtures/load.ts';
import { Random } from '../../src/core/random.ts';
import { type MixResult, mix } from '../../src/stages/mix.ts';
import type { JobOfMix } from './run-mix.ts';

const random = new Random('small mix');
const words = 'the sum of two primes is even when neither is two and a proof by cases shows it so'.split(' ');

function linesOf(name: string, n: number): string {
  const text = () => Array.from({ length: 10 + random.int(80) }, () => random.pick(words)).join(' ');
  return Array.from({ length: n }, (_, i) =>
    JSON.stringify({ id: `${name}-${i}`, url: `https://${name}.example/${i}`, text: text() }),
  ).join('\n');
}

/** Files of a source on the Hub, for `fakeHub`. */
export function hubFiles(): Record<string, string> {
  const parts = Array.from({ length: 4 }, (_, i) => [`data/part-${i}.jsonl`, linesOf(`hub${i}`, 60)]);
  return { 'README.md': '# data', ...Object.fromEntries(parts) };
}

/** Writes data and the recipes `local.yaml` and `hub.yaml`. */
export function writeSmallMix(folder: string): void {
  mkdirSync(join(folder, 'web'), { recursive: true });
  for (let part = 0; part < 3; part++)
    writeFileSync(join(folder, `web/part-${part}.jsonl`), `${linesOf(`web${part}`, 80)}\n{"id":"broken\n`);
  writeFileSync(join(folder, 'qa.jsonl'), linesOf('qa', 60));
  const recipe = (web: string) => `name: small
tokenizer: { train: { vocabSize: 300 } }
budget: 60k
sequenceLength: 127
heldout: 0.05
repeatLimit: 20
fill: web
sources:
  web: { role: web, data: ${web} }
  qa: { role: qa, data: ./qa.jsonl, template: text, weight: 0.25 }
  made: { role: long-cot, data: { generator: arithmetic, kind: long-cot, count: 300, seed: 5 }, weight: 0.1 }
`;
  writeFileSync(join(folder, 'local.yaml'), recipe('./web'));
  writeFileSync(join(folder, 'hub.yaml'), recipe('"hf://datasets/owner/name@v1.0/data/part-*.jsonl"'));
}

export interface ChildEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs the job in a child; `onLine` is told of each line it writes. */
export function childMix(
  job: JobOfMix,
  env: Record<string, string | undefined> = {},
  onLine: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<ChildEnd> {
  const script = fileURLToPath(new URL('./run-mix.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      for (const line of text.trim().split('\n')) onLine(line, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The same in this process. */
export function localMix({ folder, recipe, out, shardTokens, ...more }: JobOfMix): Promise<MixResult> {
  return mix({
    loaded: loadRecipe(recipe, folder),
    cwd: folder,
    output: out,
    shardTokens: shardTokens ?? 100_000,
    ...more,
  });
}

/** Every file but the cache and the run record, which has times, by its sha256. */
export function mixHashes(out: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.startsWith('cache') || name === 'run.json' || !statSync(join(out, name)).isFile()) continue;
    found[name] = createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex');
  }
  return found;
}

/** Half-written files anywhere in the folder. */
export function leftoversIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.tmp-'));
}
