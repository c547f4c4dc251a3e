/**
 * A peer of bench:trainer in a process of its own: `node trainer-peer.mjs jax|tfjs FOLDER`. FOLDER holds the node_modules of the peers.
 * Reads a row as a line of JSON and answers {check} after one run that is not timed, then {seconds} of a run for every further line
 * {times}. It uses the adapter that midtrain uses, and waits with the same throttle (trainer/gpu/device.ts).
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { openDevice } from '../../trainer/gpu/device.ts';

const [peer, folder] = process.argv.slice(2);
const gpu = await openDevice();
if (gpu.info.software) globalThis.setImmediate = (callback, ...given) => setTimeout(callback, 1, ...given);
Object.defineProperty(globalThis, 'navigator', {
  value: { gpu: globalThis[Symbol.for('midtrain.gpu-instance')], userAgent: 'node', hardwareConcurrency: 2 },
  configurable: true,
});
const require = createRequire(`${folder}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { prepare } =
  peer === 'tfjs'
    ? await import('./trainer-tfjs.mjs').then((m) => m.open(load))
    : await import('./trainer-jax.mjs').then((m) => m.open(load, peer === 'jax-wasm' ? 'wasm' : 'webgpu'));
let side;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    if (asked.row) {
      side = await prepare(asked.row);
      await side.run(asked.row.kind === 'step' ? 2 : 1);
      answer = { check: await side.check() };
    } else {
      const start = performance.now();
      await side.run(asked.times);
      answer = { seconds: (performance.now() - start) / 1000 / asked.times };
    }
  } catch (error) {
    answer = { error: String(error?.message ?? error).slice(0, 300) };
  }
  console.log(`>${JSON.stringify(answer)}`);
}
process.exit(0);
