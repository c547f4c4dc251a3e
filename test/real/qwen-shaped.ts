/**
 * A model of Qwen2.5-0.5B's shape on this machine's adapter, a software one too: loading a sharded bf16 folder in little memory, logits
 * against transformers, two training steps through the row blocks of a vocabulary of 151,936, the memory plan against what was
 * allocated, and transformers opening what is saved. Takes minutes and some 9 GB on a software adapter, so it is not in npm test.
 *
 *   MIDTRAIN_PEER_PYTHON=<python with torch and transformers> npm run test:real-shape [-- <folder to work in>]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDevice } from '../../trainer/gpu/device.ts';
import { Learner } from '../../trainer/learner/learner.ts';
import { computeLogits } from '../../trainer/learner/logits.ts';
import { adamWDefaults } from '../../trainer/learner/optimizer.ts';
import { loadModel, saveModel } from '../../trainer/model/folder.ts';

const python = process.env.MIDTRAIN_PEER_PYTHON;
if (python === undefined) {
  console.error('MIDTRAIN_PEER_PYTHON must name a Python with torch and transformers');
  process.exit(1);
}
const script = path.join(import.meta.dirname, '../oracles/qwen-shaped.py');
const work = process.argv[2] ?? mkdtempSync(path.join(tmpdir(), 'qwen-shaped-'));
const folder = path.join(work, 'model');
const saved = path.join(work, 'saved');
mkdirSync(folder, { recursive: true });

function peer(...args: string[]): string {
  const answer = spawnSync(python!, [script, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (answer.status !== 0) throw new Error(answer.stderr);
  return answer.stdout;
}

let failed = 0;
function check(what: string, holds: boolean, measured: string): void {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}: ${measured}`);
  if (!holds) failed++;
}

const mib = (bytes: number) => `${(bytes / 1048576).toFixed(0)} MiB`;
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < b.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};

if (!existsSync(path.join(folder, 'expected.json'))) peer('write', folder);
const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as {
  tokens: number[];
  columns: number[];
  logits: number[][];
  argmax: number[];
};

/** JavaScript's memory: the heap and the buffers that hang on it. The device's own memory is the driver's. */
let javascriptPeak = 0;
const watch = setInterval(() => {
  const { heapUsed, external } = process.memoryUsage();
  javascriptPeak = Math.max(javascriptPeak, heapUsed + external);
}, 5);

const gpu = await openDevice();
const began = performance.now();
const weights = await loadModel(gpu, folder);
await gpu.sync();
check(
  'loads with under 500 MB of JavaScript memory',
  javascriptPeak < 500e6,
  `${mib(javascriptPeak)} at most, ${((performance.now() - began) / 1000).toFixed(1)} s`,
);
clearInterval(watch);

const vocab = weights.config.vocabSize;
const embedding = weights.slabs
  .flatMap((slab) => slab.blocks)
  .filter(({ block }) => /^embedding/.test(block.name));
const ours = await computeLogits(gpu, weights, expected.tokens);
const picked = expected.tokens.flatMap((_, row) =>
  expected.columns.map((column) => ours[row * vocab + column]!),
);
const difference = largest(picked, expected.logits.flat());
check(
  'logits of 8 tokens within 1e-3 of transformers',
  difference < 1e-3,
  `largest difference ${difference.toExponential(1)}, vocabulary in ${embedding.length} blocks`,
);
const argmax = expected.tokens.map((_, row) => {
  const line = ours.subarray(row * vocab, (row + 1) * vocab);
  return line.indexOf(line.reduce((a, b) => Math.max(a, b)));
});
check('the most likely tokens are the same', argmax.join() === expected.argmax.join(), argmax.join(' '));

const seq = 16;
const learner = await Learner.create(gpu, weights, {
  config: weights.config,
  batch: 1,
  seq,
  logitsBytes: 64 << 20,
  temperature: 1,
  optimizer: adamWDefaults,
  checkpointing: 'block',
});
const rows = {
  tokens: Uint32Array.from({ length: seq }, (_, i) => (i * 9973) % vocab),
  targets: Uint32Array.from({ length: seq }, (_, i) => ((i + 1) * 9973) % vocab),
  positions: Uint32Array.from({ length: seq }, (_, i) => i),
  kvStart: new Uint32Array(seq),
};
const losses: number[] = [];
for (let step = 0; step < 3; step++) {
  const at = performance.now();
  learner.begin();
  learner.accumulateCrossEntropy(rows, new Float32Array(seq).fill(1 / seq));
  // The third is only for the loss after two steps.
  const { loss, gradNorm } = await learner.step(step < 2 ? 1e-4 : 0);
  losses.push(loss);
  console.log(
    `     step ${step}: loss ${loss.toFixed(4)}, gradient norm ${gradNorm.toFixed(2)}, ${((performance.now() - at) / 1000).toFixed(1)} s`,
  );
}
check(
  'two training steps lower the loss of their batch',
  losses[2]! < losses[0]!,
  losses.map((x) => x.toFixed(4)).join(' -> '),
);
const planned = learner.memory.persistentBytes + learner.memory.activationBytes;
const allocated = learner.allocatedBytes;
check(
  'the memory plan agrees within 10 % with what was allocated',
  Math.abs(planned / allocated - 1) < 0.1,
  `planned ${mib(planned)}, allocated ${mib(allocated)}`,
);

rmSync(saved, { recursive: true, force: true });
await saveModel(weights, saved, { dtype: 'BF16', maxShardBytes: 300e6 });
const after = await computeLogits(gpu, weights, expected.tokens);
learner.destroy();
weights.destroy();
await gpu.close();
const opened = JSON.parse(peer('open', saved)) as { parameters: number; argmax: number[]; first: number[][] };
const closeness = largest(
  expected.tokens.flatMap((_, row) => [...after.subarray(row * vocab, row * vocab + 200)]),
  opened.first.flat(),
);
check(
  'transformers opens what was saved (bf16, sharded)',
  opened.parameters === 494032768 && closeness < 0.1,
  `${opened.parameters} weights, logits within ${closeness.toExponential(1)} after rounding to bf16`,
);
if (process.argv[2] === undefined) rmSync(work, { recursive: true });
console.log(failed === 0 ? 'all hold' : `${failed} do not hold`);
process.exit(failed === 0 ? 0 : 1);
