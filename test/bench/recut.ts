/**
 * `midtrain recut` over a million rows of signals (`--quick`: 200 thousand): three changed bounds, two dedup steps, the report with examples,
 * nothing written. Wall clock of the whole command, start-up included; the issue asks for under 5 seconds on two cores. Nobody else stores
 * signals, so the peer is deciding again by measuring again, which is not run. Prints a table and, last, a line of JSON. Run with: npm run bench:recut
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeBigRun } from './big-run.ts';

const quick = process.argv.includes('--quick');
const documents = quick ? 200_000 : 1_000_000;
const repeats = quick ? 2 : 3;
const goal = 5;
const folder = join(mkdtempSync(join(tmpdir(), 'midtrain-recut-')), 'run');
const cli = new URL('../../src/bin/midtrain.js', import.meta.url).pathname;
const changes = ['gopher_short_doc=40', 'math.score.min=0.25', 'fineweb.char_dup_ratio.max=0.1'];

try {
  await writeBigRun(folder, documents, 8);
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const began = performance.now();
    const run = spawnSync(
      process.execPath,
      [cli, 'recut', folder, ...changes.flatMap((change) => ['--set', change]), '--workers', '2'],
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    if (run.status !== 0) throw new Error(`recut ended with ${run.status}: ${run.stderr}`);
    seconds.push((performance.now() - began) / 1000);
    if (i === 0) process.stdout.write(`${run.stdout.split('\n').slice(0, 12).join('\n')}\n\n`);
  }
  const median = seconds.sort((a, b) => a - b)[seconds.length >> 1]!;
  process.stdout.write(
    `${documents} rows: ${seconds.map((s) => s.toFixed(2)).join(', ')} s, median ${median.toFixed(2)} s\n`,
  );
  const row = {
    name: `recut ${documents} rows`,
    unit: 's',
    ours: Number(median.toFixed(2)),
    peer: quick ? null : goal,
    peerName: quick ? 'none' : 'goal of the issue',
    ratio: quick ? null : Number((goal / median).toFixed(2)),
  };
  process.stdout.write(`${JSON.stringify({ bench: 'recut', rows: [row] })}\n`);
} finally {
  rmSync(join(folder, '..'), { recursive: true, force: true });
}
