/** Runs one kernel once on the GPU with given buffers and returns all buffers afterwards. For tests only. */
import { compileKernel, packParams } from '../../kernels/compile.ts';
import type { Buffers, KernelSpec, Scalars } from '../../kernels/kernel.ts';
import type { Gpu } from '../../trainer/gpu/device.ts';

export async function runKernel(
  gpu: Gpu,
  spec: KernelSpec,
  scalars: Scalars,
  buffers: Buffers,
): Promise<Record<string, Float32Array | Uint32Array>> {
  const { device } = gpu;
  const { pipeline, layout } = await compileKernel(device, spec, scalars);
  const made = spec.bindings.map((binding) => {
    const values = buffers[binding.name]!;
    const data = binding.type === 'u32' ? Uint32Array.from(values) : Float32Array.from(values);
    const buffer = device.createBuffer({
      size: Math.max(16, data.byteLength),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, data);
    return { binding, buffer, length: data.length };
  });
  const params = packParams(spec, scalars);
  const uniform = device.createBuffer({
    size: params.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(uniform, 0, params);
  const group = device.createBindGroup({
    layout,
    entries: [
      ...made.map(({ buffer }, i) => ({ binding: i, resource: { buffer } })),
      { binding: made.length, resource: { buffer: uniform } },
    ],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...spec.workgroups(scalars));
  pass.end();
  device.queue.submit([encoder.finish()]);
  const result: Record<string, Float32Array | Uint32Array> = {};
  for (const { binding, buffer, length } of made) {
    const bytes = await gpu.read(buffer, 0, length * 4);
    result[binding.name] = binding.type === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
    buffer.destroy();
  }
  uniform.destroy();
  return result;
}

/** Random inputs of a case (uniform in -1 .. 1), with the spec's own values where it gives them. */
export function caseBuffers(spec: KernelSpec, scalars: Scalars, random: () => number): Buffers {
  const given = spec.fill?.(scalars, random) ?? {};
  const buffers: Buffers = {};
  for (const binding of spec.bindings) {
    const length = Math.max(1, binding.size(scalars));
    const values = given[binding.name];
    if (binding.type === 'u32') buffers[binding.name] = Uint32Array.from(values ?? new Uint32Array(length));
    // Rounded to float32, so both sides start from the same numbers.
    else
      buffers[binding.name] = Float64Array.from(
        Float32Array.from(values ?? Float64Array.from({ length }, () => random() * 2 - 1)),
      );
  }
  return buffers;
}
