/** Every kernel that ships, on every case it names, against its plain-loop reference in double precision. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareArrays } from '../../kernels/compare.ts';
import { kernels } from '../../kernels/index.ts';
import { Random } from '../../src/core/random.ts';
import { type Gpu, openDevice } from '../../trainer/gpu/device.ts';
import { caseBuffers, runKernel } from './run-kernel.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice();
});
afterAll(() => gpu.close());

describe.each(kernels.map((spec) => ({ name: spec.name, spec })))('$name', ({ spec }) => {
  it.each(spec.cases.map((scalars) => ({ shape: JSON.stringify(scalars), scalars })))(
    'matches its reference for $shape',
    async ({ scalars }) => {
      const random = new Random(`${spec.name}${JSON.stringify(scalars)}`);
      const buffers = caseBuffers(spec, scalars, () => random.float());
      const actual = await runKernel(gpu, spec, scalars, buffers);
      const expected = structuredClone(buffers);
      spec.reference(expected, scalars);
      for (const binding of spec.bindings) {
        // Log-probabilities of the sampler travel as float bits in a u32 buffer: compare them as numbers.
        const view = (values: ArrayLike<number>) =>
          ['sample', 'top-logprobs'].includes(spec.name) && binding.name === 'out'
            ? asNumbers(Uint32Array.from(values))
            : values;
        expect(
          compareArrays(
            binding.name,
            view(actual[binding.name]!),
            view(expected[binding.name]!),
            spec.tolerance,
          ).faults,
        ).toEqual([]);
      }
      if (!spec.bindings.some((b) => b.access === 'read_write'))
        throw new Error('a kernel that writes nothing');
    },
  );
});

function asNumbers(pairs: Uint32Array): Float64Array {
  const floats = new Float32Array(pairs.buffer, pairs.byteOffset, pairs.length);
  return Float64Array.from(pairs, (value, i) => (i % 2 === 0 ? value : floats[i]!));
}
