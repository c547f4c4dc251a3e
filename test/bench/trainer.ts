/**
 * `npm run bench:trainer [-- --quick] [-- --only=matmul]`: the trainer's kernels and a whole training step on this adapter, beside other
 * libraries in the same run.
 *
 * Rows (one for each peer that could run it)
 *   matmul M^3, MxNxK   y = x w^T; `nn` and `tn` are the two gradients
 *   attention           causal, forward and backward: 2 sequences of 128, 4 heads of 64 channels (--quick: 4 of 16)
 *   cross-entropy       256 rows of logits and their gradient
 *   step                forward, backward and AdamW of a small Llama (dim 256, 4 layers, vocabulary 4096, 2 x 128 tokens)
 * Peers
 *   jax-js, tfjs        `@jax-js/jax` and `@tensorflow/tfjs-backend-webgpu` on the same adapter, waiting with the same throttle
 *   jax-js wasm         the same library on the CPU
 *   PyTorch             on the CPU, all cores
 * JavaScript peers are looked for in MIDTRAIN_PEERS_JS, else ~/.cache/midtrain/peers-js:
 *   npm install --prefix ~/.cache/midtrain/peers-js @jax-js/jax @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu @tensorflow/tfjs-backend-webgpu
 * PyTorch in MIDTRAIN_PEER_PYTHON, else ~/.cache/midtrain/peers/bin/python. A peer that is missing or fails is named, and the run goes on.
 *
 * Method: every side runs once unmeasured, and 32 values of its result (of a step: the losses of two) must agree with ours within 1e-3;
 * then ours and each peer's in turn, five times, wall clock to the end of the queue; the median. `--quick`: three times, fewer and
 * smaller rows, and no step of the JavaScript peers, whose compilation takes longer than the whole.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, homedir, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/io/package-root.ts';
import { openDevice } from '../../trainer/gpu/device.ts';
import { usedKernels } from '../../trainer/gpu/tuning.ts';
import { type BenchRow, benchRow, median, printBench } from './report.ts';
import { ourSide, type TrainerRow, trainerRows, workOf } from './trainer-rows.ts';

/** As it was before this process chose an adapter: a peer chooses its own in the same way. */
const environment = { ...process.env };
const quick = process.argv.includes('--quick');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const rounds = quick ? 3 : 5;
/** How long one timed run of a side should take at least. */
const runSeconds = quick ? 0.05 : 0.15;
/** How long a peer may take for one answer, compiling included. */
const patience = (row: TrainerRow): number => (quick ? 15_000 : row.kind === 'step' ? 120_000 : 45_000);
/** A peer whose single run takes longer is not run again: the one run counts. */
const slowSeconds = quick ? 3 : 8;
const bench = join(packageRoot(), 'test', 'bench');

class PeerProcess {
  readonly name: string;
  private readonly command: string;
  private readonly args: readonly string[];
  private child!: ChildProcess;
  private answers!: AsyncIterator<string>;
  private dead = true;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.command = command;
    this.args = args;
  }

  /** Again after it ended or was given up on. */
  open(): void {
    if (!this.dead) return;
    this.dead = false;
    this.child = spawn(this.command, this.args, { stdio: ['pipe', 'pipe', 'ignore'], env: environment });
    this.child.on('error', () => {});
    this.child.stdin!.on('error', () => {});
    this.answers = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async ask(
    question: object,
    milliseconds: number,
  ): Promise<{ check?: number[]; seconds?: number; error?: string }> {
    this.child.stdin!.write(`${JSON.stringify(question)}\n`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), milliseconds);
    });
    try {
      for (;;) {
        const answer = await Promise.race([this.answers.next(), late]);
        if (answer === 'late') {
          this.close();
          return { error: `no answer in ${milliseconds / 1000} s` };
        }
        if (answer.done) {
          this.dead = true;
          return { error: 'the process ended' };
        }
        if (answer.value.startsWith('>')) return JSON.parse(answer.value.slice(1));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (!this.dead) this.child.kill('SIGKILL');
    this.dead = true;
  }
}

const notes: string[] = [];
/** Peers and kinds of row that failed or took too long: not tried again. */
const gaveUp = new Set<string>();

function openPeers(): PeerProcess[] {
  const peers: PeerProcess[] = [];
  const folder = process.env.MIDTRAIN_PEERS_JS ?? join(homedir(), '.cache', 'midtrain', 'peers-js');
  const script = join(bench, 'trainer-peer.mjs');
  const node = (name: string, key: string, needs: string): void => {
    if (!existsSync(join(folder, 'node_modules', needs))) notes.push(`${name}: no ${needs} in ${folder}`);
    else peers.push(new PeerProcess(name, process.execPath, [script, key, folder]));
  };
  node('jax-js webgpu', 'jax', '@jax-js/jax');
  node('tfjs webgpu', 'tfjs', '@tensorflow/tfjs-backend-webgpu');
  if (!quick) node('jax-js wasm, CPU', 'jax-wasm', '@jax-js/jax');
  const python =
    process.env.MIDTRAIN_PEER_PYTHON ?? join(homedir(), '.cache', 'midtrain', 'peers', 'bin', 'python');
  const asked = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  if (asked.status !== 0) notes.push(`PyTorch: ${python} cannot import torch`);
  else {
    const torch = join(packageRoot(), 'test', 'oracles', 'torch-trainer-bench.py');
    peers.push(new PeerProcess(`PyTorch ${asked.stdout.trim()}, CPU`, python, [torch]));
  }
  return peers;
}

const gpu = await openDevice();
const loadBefore = loadavg()[0]!;
const peers = openPeers();
const table: BenchRow[] = [];
try {
  for (const row of trainerRows(quick)) {
    if (only !== undefined && !row.name.startsWith(only)) continue;
    const measured = await measure(row);
    table.push(...measured);
    for (const { name, ours, peer, peerName } of measured)
      console.error(`${name}: ${ours} | ${peerName} ${peer}`);
  }
} finally {
  for (const peer of peers) peer.close();
}
const cores = cpus();
notes.push(
  `${gpu.info.name}; ${cores.length} x ${cores[0]?.model ?? 'unknown CPU'}; load ${loadBefore.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after; median of ${rounds} alternating runs`,
  `variants: ${[...new Set(Object.values(usedKernels(gpu).variants))].join(', ')}`,
);
printBench('trainer', table, notes);
await gpu.close();
process.exit(0);

async function measure(row: TrainerRow): Promise<BenchRow[]> {
  const step = row.kind === 'step';
  // Every side compiles at once: nothing is timed yet, and two cores share it.
  const asked = peers.flatMap((peer) => {
    if (step && quick && !peer.name.startsWith('PyTorch')) {
      notes.push(`step: ${peer.name} left out by --quick`);
      return [];
    }
    if (gaveUp.has(`${peer.name} ${row.kind}`)) return [];
    peer.open();
    return [{ peer, answer: peer.ask({ row }, patience(row)) }];
  });
  const side = await ourSide(gpu, row);
  await side.run(step ? 2 : 1);
  const expected = await side.check();
  const running: { peer: PeerProcess; times: number; seconds: number[] }[] = [];
  for (const { peer, answer } of asked) {
    const { check, error } = await answer;
    const fault = error ?? disagreement(expected, check!);
    if (fault === undefined) running.push({ peer, times: 0, seconds: [] });
    else {
      notes.push(`${row.name}: ${peer.name}: ${fault}`);
      if (error !== undefined) gaveUp.add(`${peer.name} ${row.kind}`);
    }
  }
  const ours: number[] = [];
  const timeOurs = async (times: number): Promise<number> => {
    const start = performance.now();
    await side.run(times);
    return (performance.now() - start) / 1000 / times;
  };
  const timesFor = (seconds: number): number => Math.max(1, Math.min(64, Math.round(runSeconds / seconds)));
  const ourTimes = timesFor(await timeOurs(1));
  for (const entry of running) {
    const { seconds = 1 } = await entry.peer.ask({ times: 1 }, patience(row));
    entry.times = timesFor(seconds);
    if (seconds < slowSeconds) continue;
    entry.seconds.push(seconds);
    notes.push(`${row.name}: ${entry.peer.name}: timed once, it takes ${seconds.toFixed(0)} s`);
  }
  for (let round = 0; round < rounds; round++) {
    ours.push(await timeOurs(ourTimes));
    for (const entry of running) {
      if (entry.seconds[0] !== undefined && entry.seconds[0] >= slowSeconds) continue;
      const { seconds, error } = await entry.peer.ask({ times: entry.times }, patience(row));
      if (seconds !== undefined) entry.seconds.push(seconds);
      else if (round === 0) notes.push(`${row.name}: ${entry.peer.name}: ${error}`);
    }
  }
  side.destroy();
  const { amount, unit } = workOf(row);
  const speed = (seconds: readonly number[]): number => amount / median(seconds);
  const measured = running.filter(({ seconds }) => seconds.length > 0);
  if (measured.length === 0) return [benchRow(row.name, unit, speed(ours), undefined)];
  return measured.map(({ peer, seconds }) =>
    benchRow(row.name, unit, speed(ours), { value: speed(seconds), name: peer.name }),
  );
}

function disagreement(expected: readonly number[], found: readonly number[]): string | undefined {
  const scale = Math.max(...expected.map(Math.abs));
  const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - (found[i] ?? Number.NaN))), 0);
  return worst <= 1e-3 * scale ? undefined : `its result differs by ${worst} of ${scale}: not counted`;
}
