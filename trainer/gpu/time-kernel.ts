/** How long one kernel takes on a device, by dispatching it several times in one submission and waiting for the end of the queue. */
import { compileKernel, packParams } from '../../kernels/compile.ts';
import { packHalves } from '../../kernels/half/values.ts';
import type { KernelSpec, Scalars } from '../../kernels/kernel.ts';
import type { Gpu } from './device.ts';

export interface TimedKernel {
  /** Seconds of one dispatch, of `times` in one submission. */
  time(times: number): Promise<number>;
  destroy(): void;
}

/** Compiles a kernel and makes its buffers, filled with ordinary numbers: a chip that gates its clocks by data must not be flattered by zeros. */
export async function timedKernel(gpu: Gpu, spec: KernelSpec, scalars: Scalars): Promise<TimedKernel> {
  const { device } = gpu;
  const { pipeline, layout } = await compileKernel(device, spec, scalars);
  const buffers = spec.bindings.map((binding) => {
    const elements = binding.size(scalars);
    const buffer = device.createBuffer({
      label: `time-kernel ${binding.name}`,
      size: Math.max(16, Math.ceil(elements / 4) * 16),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    if (binding.access === 'read' && binding.type === 'f32')
      device.queue.writeBuffer(buffer, 0, Float32Array.from({ length: elements }, wave));
    if (binding.halves)
      device.queue.writeBuffer(buffer, 0, packHalves(Float32Array.from({ length: elements * 2 }, wave)));
    return buffer;
  });
  const params = packParams(spec, scalars);
  const uniform = device.createBuffer({
    size: params.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(uniform, 0, params);
  const group = device.createBindGroup({
    layout,
    entries: [...buffers, uniform].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return {
    async time(times) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(...spec.workgroups(scalars));
      pass.end();
      const start = performance.now();
      device.queue.submit([encoder.finish()]);
      await gpu.sync();
      return (performance.now() - start) / 1000 / times;
    },
    destroy() {
      for (const buffer of [...buffers, uniform]) buffer.destroy();
    },
  };
}

function wave(_: unknown, i: number): number {
  return ((i % 251) - 125) / 125;
}
