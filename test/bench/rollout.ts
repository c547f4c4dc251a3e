/**
 * `npm run bench:rollout [-- --quick]`: sampling completions for RL on this adapter, beside transformers' `generate` on the CPU with the same
 * weights, and beside this project's own path without batching (one slot).
 *
 * Rows
 *   rollouts vs transformers, tokens vs transformers   completions and tokens per second
 *   rollouts vs unbatched, tokens vs unbatched         the same
 * The task: a small Llama with random weights (dim 256, 4 layers, vocabulary 4096; --quick: dim 128), 16 prompts of 8 to 40 tokens, groups of 8
 * (--quick: 2), temperature 1, at most 128 tokens (--quick: 64). One token in 64 (--quick: 32) ends a sample, so lengths differ as they do in RL. transformers gets all rows
 * as one batch, its best; ours has 64 slots (--quick: 16) and refills them.
 *
 * Method: greedy tokens of both must agree first; then ours and the peers' in turn, five times (--quick: three), wall clock; the median.
 * transformers is looked for in MIDTRAIN_PEER_PYTHON, else ~/.cache/midtrain/peers/bin/python; without it that row has no peer.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, homedir, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Random } from '../../src/core/random.ts';
import { packageRoot } from '../../src/io/package-root.ts';
import { openDevice } from '../../trainer/gpu/device.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import { saveModel } from '../../trainer/model/folder.ts';
import { initialWeights } from '../../trainer/model/init.ts';
import { ModelWeights } from '../../trainer/model/weights.ts';
import { Sampler } from '../../trainer/sampler/sampler.ts';
import { type BenchRow, benchRow, median, printBench } from './report.ts';

/** As it was before this process chose an adapter. */
const environment = { ...process.env };
const quick = process.argv.includes('--quick');
const rounds = quick ? 3 : 5;
const samples = quick ? 2 : 8;
const maxTokens = quick ? 64 : 128;
const dim = quick ? 128 : 256;
const config: ModelConfig = {
  vocabSize: 4096,
  dim,
  layers: 4,
  heads: dim / 32,
  kvHeads: dim / 64,
  headDim: 32,
  hidden: dim * 3,
  maxPositions: 512,
  ropeTheta: 10000,
  normEps: 1e-5,
  tiedHead: true,
};
const random = new Random('rollouts');
const prompts = Array.from({ length: 16 }, () =>
  Array.from({ length: 8 + random.int(33) }, () => 128 + random.int(config.vocabSize - 128)),
);
const ends = Array.from({ length: quick ? 128 : 64 }, (_, i) => i);
const requests = prompts.flatMap((_, prompt) =>
  Array.from({ length: samples }, (_, i) => ({ prompt, seed: prompt * 1000 + i })),
);

const loadBefore = loadavg()[0]!;
const gpu = await openDevice();
const weights = new ModelWeights(gpu, config);
for (const [name, values] of initialWeights(config, 1, 0.08)) weights.load(name, values);
const folder = mkdtempSync(join(tmpdir(), 'rollout-bench-'));
const notes: string[] = [];
const table: BenchRow[] = [];

interface Timed {
  seconds: number;
  tokens: number[][];
}

async function samplerOf(slots: number): Promise<Sampler> {
  return Sampler.create(gpu, weights, {
    config,
    promptLength: 40,
    responseLength: maxTokens,
    slots,
    temperature: 1,
    eosId: 0,
  });
}

async function ours(sampler: Sampler, some: typeof requests, length: number, greedy = false): Promise<Timed> {
  const began = performance.now();
  sampler.session.forget();
  const drawn = await Promise.all(
    some.map(({ prompt, seed }) =>
      sampler.session.submit({
        prompt: prompts[prompt]!,
        seed,
        maxTokens: length,
        sampling: { temperature: greedy ? 0 : 1, top_k: 0, top_p: 1, min_p: 0 },
        endTokens: greedy ? [] : ends,
      }),
    ),
  );
  return { seconds: (performance.now() - began) / 1000, tokens: drawn.map(({ tokens }) => tokens) };
}

function openPeer():
  | { name: string; ask(greedy: boolean, length: number): Promise<Timed>; close(): void }
  | string {
  const python =
    process.env.MIDTRAIN_PEER_PYTHON ?? join(homedir(), '.cache', 'midtrain', 'peers', 'bin', 'python');
  const asked = spawnSync(python, ['-c', 'import torch, transformers; print(transformers.__version__)'], {
    encoding: 'utf8',
  });
  if (asked.status !== 0) return `transformers: ${python} cannot import torch and transformers`;
  const script = join(packageRoot(), 'test', 'oracles', 'transformers-rollouts.py');
  const child = spawn(python, [script, folder], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Waiting threads that spin would take the cores from whose turn it is.
    env: { ...environment, OMP_WAIT_POLICY: 'passive' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: `transformers ${asked.stdout.trim()}, CPU`,
    async ask(greedy, length) {
      const question = {
        prompts,
        samples: greedy ? 1 : samples,
        max_new_tokens: length,
        ends: greedy ? [] : ends,
        greedy,
        seed: 1,
      };
      child.stdin.write(`${JSON.stringify(question)}\n`);
      for (;;) {
        const answer = await lines.next();
        if (answer.done) throw new Error('the peer process ended');
        if (answer.value.startsWith('>')) return JSON.parse(answer.value.slice(1)) as Timed;
      }
    },
    close: () => child.stdin.end(),
  };
}

function addRows(
  against: string,
  mine: readonly Timed[],
  peer: { name: string; runs: readonly Timed[] } | undefined,
): void {
  const rate = (runs: readonly Timed[], amount: (run: Timed) => number) =>
    median(runs.map((run) => amount(run) / run.seconds));
  const count = ({ tokens }: Timed) => tokens.length;
  const tokens = (run: Timed) => run.tokens.reduce((total, one) => total + one.length, 0);
  for (const [name, unit, amount] of [
    ['rollouts', 'rollouts/s', count],
    ['tokens', 'tokens/s', tokens],
  ] as const)
    table.push(
      benchRow(
        `${name} vs ${against}`,
        unit,
        rate(mine, amount),
        peer && { value: rate(peer.runs, amount), name: peer.name },
      ),
    );
}

try {
  await saveModel(weights, folder);
  const batched = await samplerOf(quick ? 16 : 64);
  const single = await samplerOf(1);
  const peer = openPeer();
  const first = prompts.map((_, prompt) => ({ prompt, seed: 0 }));
  const greedy = await ours(batched, first, 8, true);
  const mine: Timed[] = [];
  const theirs: Timed[] = [];
  const unbatched: Timed[] = [];
  // A share of the requests that takes one slot about as long as all of them take 64.
  const few = requests.filter((_, i) => i % (quick ? 8 : 16) === 0);
  if (typeof peer === 'string') notes.push(peer);
  else {
    const check = await peer.ask(true, 8);
    const same = check.tokens.flat().filter((token, i) => token === greedy.tokens.flat()[i]).length;
    notes.push(`greedy tokens that agree with transformers: ${same} of ${greedy.tokens.flat().length}`);
    if (same < 0.95 * greedy.tokens.flat().length) throw new Error('these are not the same weights');
    await peer.ask(false, 8);
  }
  await ours(batched, requests, 8);
  await ours(single, few.slice(0, 1), 8);
  for (let round = 0; round < rounds; round++) {
    mine.push(await ours(batched, requests, maxTokens));
    if (typeof peer !== 'string') theirs.push(await peer.ask(false, maxTokens));
    unbatched.push(await ours(single, few, maxTokens));
  }
  if (typeof peer !== 'string') peer.close();
  addRows('transformers', mine, typeof peer === 'string' ? undefined : { name: peer.name, runs: theirs });
  addRows('unbatched', mine, { name: 'one slot', runs: unbatched });
  const lengths = mine[0]!.tokens.map((one) => one.length);
  notes.push(
    `${requests.length} rollouts of ${Math.min(...lengths)} to ${Math.max(...lengths)} tokens, mean ${(lengths.reduce((a, b) => a + b, 0) / lengths.length).toFixed(1)}`,
    `${gpu.info.name}; ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}; load ${loadBefore.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after; median of ${rounds} alternating runs`,
  );
  batched.destroy();
  single.destroy();
  printBench('rollout', table, notes);
} finally {
  rmSync(folder, { recursive: true, force: true });
  weights.destroy();
  await gpu.close();
}
process.exit(0);
