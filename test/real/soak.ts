/**
 * Ten thousand steps of a tiny model through the real training loop, with evaluations, checkpoints and samples: the memory of the
 * process and the buffers of the device must not grow. Takes minutes, so it is not in npm test.
 *
 *   npm run test:soak [-- <steps>]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Random } from '../../src/core/random.ts';
import { openDevice } from '../../trainer/gpu/device.ts';
import { train } from '../../trainer/training/train.ts';
import { trainConfigSchema } from '../../trainer/training/train-config.ts';
import { writeTokenFolder } from '../trainer/token-folder.ts';

const steps = Number(process.argv[2] ?? 10_000);
const root = mkdtempSync(path.join(tmpdir(), 'soak-'));
const random = new Random(1);
const line = () => Array.from({ length: 24 }, () => 'abcd'[random.int(4)]).join('');
await writeTokenFolder(path.join(root, 'data'), Array.from({ length: 2000 }, line), {
  lines: Array.from({ length: 40 }, line),
});
const config = trainConfigSchema.parse({
  name: 'soak',
  out: path.join(root, 'run'),
  data: path.join(root, 'data'),
  model: { hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 24 },
  sequence_length: 32,
  micro_batch_size: 4,
  stable: { steps, learning_rate: 0.003 },
  eval_every: Math.ceil(steps / 20),
  checkpoint_every: Math.ceil(steps / 20),
  samples: { every: Math.ceil(steps / 20), prompts: ['ab'], max_tokens: 8 },
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const gpu = await openDevice();
/** Bytes of buffers that were made and not destroyed. */
let live = 0;
const make = gpu.device.createBuffer.bind(gpu.device);
gpu.device.createBuffer = (descriptor) => {
  const buffer = make(descriptor);
  live += descriptor.size;
  const destroy = buffer.destroy.bind(buffer);
  let there = true;
  buffer.destroy = () => {
    if (there) live -= descriptor.size;
    there = false;
    return destroy();
  };
  return buffer;
};

const every = Math.ceil(steps / 20);
const rows: { step: number; rss: number; heap: number; external: number; live: number }[] = [];
const began = performance.now();
await train(gpu, config, 'stable', {
  emit: (event) => {
    if (event.kind !== 'progress' || event.done % every !== 0) return;
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    rows.push({ step: event.done, rss, heap: heapUsed, external, live });
    const mib = (bytes: number) => `${(bytes / 1048576).toFixed(1).padStart(7)} MiB`;
    console.log(
      `step ${String(event.done).padStart(6)}  process ${mib(rss)}  heap ${mib(heapUsed)}  external ${mib(external)}  device buffers ${mib(live)}`,
    );
  },
  signal: new AbortController().signal,
});
const seconds = (performance.now() - began) / 1000;
await gpu.close();
rmSync(root, { recursive: true });

// The first quarter warms up: compiled code, caches, the driver's arenas.
const warm = rows.slice(Math.floor(rows.length / 4));
const grown = (key: 'rss' | 'heap' | 'live') => {
  const half = Math.floor(warm.length / 2);
  const mean = (part: typeof warm) => part.reduce((sum, row) => sum + row[key], 0) / part.length;
  return mean(warm.slice(half)) / mean(warm.slice(0, half)) - 1;
};
let failed = 0;
for (const [what, key, most] of [
  ['memory of the process', 'rss', 0.05],
  ['JavaScript heap', 'heap', 0.1],
  ['buffers of the device', 'live', 0],
] as const) {
  const growth = grown(key);
  const holds = growth <= most;
  if (!holds) failed++;
  console.log(
    `${holds ? 'ok  ' : 'FAIL'} ${what}: ${(growth * 100).toFixed(2)} % more in the last half than in the first`,
  );
}
console.log(`${steps} steps in ${seconds.toFixed(0)} s`);
process.exit(failed === 0 ? 0 : 1);
