/**
 * Kills `mix` (kill -9, the process and its threads) at random moments: while a tokenizer is trained, units are tokenised, the plan is
 * made, shards are written. After up to three kills it is run to its end and every byte of shards, held-out documents, tokenizer and manifest
 * must be that of a run that was left alone. KILLS=n (default 24), SEED=n. Run with: npm run test:crash
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';

const kills = Number(process.env.KILLS ?? 24);
const random = new Random(`kill-mix ${process.env.SEED ?? 1}`);
const root = mkdtempSync(join(tmpdir(), 'midtrain-kill-mix-'));
const stages = ['start', 'tokenise', 'write', 'ended'] as const;
type Stage = (typeof stages)[number];
const counts: Record<Stage, number> = { start: 0, tokenise: 0, write: 0, ended: 0 };
afterAll(() => rmSync(root, { recursive: true }));

const words =
  'the sum of two primes is even when neither of them is two and a proof by cases shows it so'.split(' ');
const textOf = (i: number): string =>
  `${Array.from({ length: 60 + (i % 90) }, () => random.pick(words)).join(' ')} and number ${i}`;

beforeAll(() => {
  mkdirSync(join(root, 'web'));
  for (let part = 0; part < 6; part++) {
    const lines = Array.from({ length: 3600 }, (_, i) =>
      JSON.stringify({ id: `w${part}-${i}`, text: textOf(i) }),
    );
    writeFileSync(join(root, `web/part-${part}.jsonl`), `${lines.join('\n')}\n{"id":"broken\n`);
  }
  const qa = Array.from({ length: 3000 }, (_, i) =>
    JSON.stringify({ id: `q${i}`, question: textOf(i), answer: `${i}` }),
  );
  writeFileSync(join(root, 'qa.jsonl'), qa.join('\n'));
  writeFileSync(
    join(root, 'kill.yaml'),
    `name: kill
tokenizer: { train: { vocabSize: 400 } }
budget: 4M
sequenceLength: 127
heldout: 0.02
repeatLimit: 8
fill: web
sources:
  web: { role: web, data: ./web }
  qa: { role: qa, data: ./qa.jsonl, template: question-answer, columns: { question: question, answer: answer }, weight: 0.25 }
  made: { role: long-cot, data: { generator: arithmetic, kind: long-cot, count: 4000, seed: 5 }, weight: 0.05 }
`,
  );
});

function stageOf(out: string): Stage {
  if (existsSync(join(out, 'manifest.json'))) return 'ended';
  if (existsSync(join(out, 'shards'))) return 'write';
  const cache = join(out, 'cache');
  return existsSync(cache) && readdirSync(cache).some((name) => name.endsWith('.tokens'))
    ? 'tokenise'
    : 'start';
}

/** `kill`: milliseconds after the stage is first seen. Answers the stage it was killed in; undefined when it ended before. */
function run(
  out: string,
  workers: number,
  kill?: { stage: Stage; afterMs: number },
  onStage: (stage: Stage) => void = () => {},
): Promise<Stage | undefined> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL('./run-mix.ts', import.meta.url));
    const job = { folder: root, recipe: 'kill.yaml', out, workers, unitBytes: 400_000 };
    const child = spawn(process.execPath, [script, JSON.stringify(job)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    let seen: Stage | undefined;
    const watch = setInterval(() => {
      const stage = stageOf(out);
      if (stage === seen) return;
      seen = stage;
      onStage(stage);
      // A stage that is past when it is looked for is killed at once.
      if (kill !== undefined && stages.indexOf(stage) >= stages.indexOf(kill.stage))
        setTimeout(() => child.kill('SIGKILL'), stage === kill.stage ? kill.afterMs : 0);
    }, 3);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      if (signal === 'SIGKILL') resolve(stageOf(out));
      else if (code === 0) resolve(undefined);
      else reject(new Error(`mix ended with code ${code}: ${errors}`));
    });
  });
}

/** Every file but the cache and the run record, which has times. */
function hashes(out: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.startsWith('cache') || name === 'run.json' || !statSync(join(out, name)).isFile()) continue;
    found[name] = createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex');
  }
  return found;
}

describe('a mixture that is killed', { timeout: 3_600_000 }, () => {
  it(`has the bytes of an undisturbed one after each of ${kills} kills, with 1 and 2 workers`, async () => {
    const whole = join(root, 'whole');
    const began: Partial<Record<Stage, number>> = {};
    const start = performance.now();
    await run(whole, 1, undefined, (stage) => {
      began[stage] = performance.now() - start;
    });
    const duration = performance.now() - start;
    const expected = hashes(whole);
    expect(Object.keys(expected).filter((name) => name.startsWith('shards/')).length).toBeGreaterThan(40);
    expect(Object.keys(expected).some((name) => name.startsWith('heldout/'))).toBe(true);
    let killed = 0;
    for (let round = 0; killed < kills; round++) {
      const out = join(root, `round-${round}`);
      const tries = 1 + random.int(3);
      for (let i = 0; i < tries && killed < kills; i++) {
        const from = stages.indexOf(stageOf(out));
        const open = stages.slice(0, 3).filter((stage) => stages.indexOf(stage) >= from);
        const [stage] = open.sort((a, b) => counts[a] - counts[b]);
        if (stage === undefined) break;
        const end =
          stages.slice(stages.indexOf(stage) + 1).flatMap((later) => began[later] ?? [])[0] ?? duration;
        const afterMs = random.float() * Math.max(10, end - (began[stage] ?? 0));
        const at = await run(out, random.pick([1, 2]), { stage, afterMs });
        if (at === undefined) break;
        counts[at]++;
        killed++;
      }
      await run(out, random.pick([1, 2]));
      expect(hashes(out), `${killed} kills so far`).toEqual(expected);
      expect(
        readdirSync(join(out, 'cache'), { recursive: true, encoding: 'utf8' }).filter((name) =>
          name.includes('.tmp-'),
        ),
      ).toEqual([]);
      rmSync(out, { recursive: true });
    }
    process.stdout.write(
      `${killed} kills, all equal; by stage: ${JSON.stringify(counts)}; undisturbed ${Math.round(duration)} ms\n`,
    );
    if (kills >= 24)
      for (const stage of ['tokenise', 'write'] as const) expect(counts[stage]).toBeGreaterThan(4);
  });
});
