/** Starting again after a lost GPU: how often, and only where there was progress; and `--max-restarts` through the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { type Ended, supervise, without } from '../../src/cli/supervise.ts';
import { Random } from '../../src/core/random.ts';
import { readMetrics } from '../../src/io/run-record.ts';
import { childrenOf } from '../child-processes.ts';
import { runCli } from '../run-cli.ts';
import { writeTokenFolder } from '../trainer/token-folder.ts';

const root = mkdtempSync(path.join(tmpdir(), 'supervise-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const lost: Ended = { code: 1, signal: null };
const crashed: Ended = { code: null, signal: 'SIGSEGV' };
const done: Ended = { code: 0, signal: null };

/** Attempts as scripted: how each ends, and which checkpoint is the newest then. */
async function run(
  script: [Ended, number][],
  options: { maxRestarts?: number; lost?: boolean; stopAt?: number } = {},
) {
  let [attempts, step] = [0, -1];
  const said: string[] = [];
  const code = await supervise({
    maxRestarts: options.maxRestarts ?? 3,
    progress: () => step,
    lostDevice: () => options.lost ?? true,
    attempt: async () => {
      const [ended, checkpoint] = script[attempts++]!;
      step = checkpoint;
      return ended;
    },
    stopped: () => options.stopAt === attempts,
    say: (line) => void said.push(line),
  });
  return { code, attempts, said };
}

it('starts again after a lost GPU and after a crash of the driver, as long as checkpoints come', async () => {
  expect(
    await run([
      [lost, 10],
      [crashed, 20],
      [done, 30],
    ]),
  ).toEqual({
    code: 0,
    attempts: 3,
    said: [
      'the GPU was lost: starting again from the last checkpoint (1 of 3)',
      'the process was ended by SIGSEGV: starting again from the last checkpoint (2 of 3)',
    ],
  });
});

it('ends when there was no progress, when it was often enough, and for anything else that went wrong', async () => {
  const stuck = await run([
    [lost, 10],
    [lost, 10],
    [done, 20],
  ]);
  expect([stuck.code, stuck.attempts, stuck.said.at(-1)]).toEqual([
    1,
    2,
    'the GPU was lost before a new checkpoint was written: not started again',
  ]);
  const often = await run(
    [
      [lost, 1],
      [lost, 2],
      [done, 3],
    ],
    { maxRestarts: 1 },
  );
  expect([often.code, often.attempts, often.said.at(-1)]).toEqual([
    1,
    2,
    'the GPU was lost: not started again, after 1 restart',
  ]);
  expect(
    await run(
      [
        [lost, 1],
        [done, 2],
      ],
      { lost: false },
    ),
  ).toEqual({ code: 1, attempts: 1, said: [] });
  expect((await run([[{ code: null, signal: 'SIGKILL' }, 1]], { lost: false })).code).toBe(70);
  expect((await run([[{ code: 130, signal: null }, 1]], { stopAt: 1 })).code).toBe(130);
});

it('takes its flag out of the arguments', () => {
  expect(without(['train', 'x.yaml', '--max-restarts', '3', '--json'], '--max-restarts')).toEqual([
    'train',
    'x.yaml',
    '--json',
  ]);
  expect(without(['train', '--max-restarts=3', 'x.yaml'], '--max-restarts')).toEqual(['train', 'x.yaml']);
  expect(without(['train', 'x.yaml'], '--max-restarts')).toEqual(['train', 'x.yaml']);
});

it.skipIf(process.platform !== 'linux')(
  'goes on by itself when the driver brings the process down, through the command line',
  async () => {
    const random = new Random(1);
    const line = () => Array.from({ length: 24 }, () => 'abcd'[random.int(4)]).join('');
    await writeTokenFolder(path.join(root, 'data'), Array.from({ length: 200 }, line), {});
    const file = path.join(root, 'train.yaml');
    writeFileSync(
      file,
      `name: test\nout: ${path.join(root, 'out')}\ndata: ${path.join(root, 'data')}\n` +
        'model: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 24}\n' +
        'sequence_length: 32\nmicro_batch_size: 2\nstable: {steps: 60, learning_rate: 0.01}\ncheckpoint_every: 3\n',
    );
    const metrics = path.join(root, 'out', 'stable', 'metrics.jsonl');
    const result = await runCli(['train', file, '--phase', 'stable', '--max-restarts', '2'], {
      timeoutMs: 120_000,
      during: async (child) => {
        while (child.exitCode === null && (readMetrics(metrics).at(-1)?.step ?? 0) < 8) await sleep(5);
        for (const pid of childrenOf(child.pid!)) process.kill(pid, 'SIGSEGV');
      },
    });
    expect(result.stderr).toContain(
      'the process was ended by SIGSEGV: starting again from the last checkpoint (1 of 2)',
    );
    expect(result.stderr).toMatch(/going on from step [1-9]/);
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining('stable phase done')]);
    expect(readMetrics(metrics).map((row) => row.step)).toEqual(Array.from({ length: 61 }, (_, i) => i));
  },
  180_000,
);
