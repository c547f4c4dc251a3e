/**
 * A plan bound to a device: buffers allocated, pipelines compiled, bind groups made, once. A step then only encodes dispatches:
 * one compute pass a program, no buffer and no bind group is created (a dispatch costs 5 us in Node, a bind group 20 to 150).
 */
import { compileKernel, packParams } from '../../kernels/compile.ts';
import { invariant } from '../../src/core/errors.ts';
import { type MemoryPlan, planMemory } from '../plan/memory-plan.ts';
import { type Operation, type Plan, rootOf, type Tensor } from '../plan/plan.ts';
import type { Gpu } from './device.ts';
import { OutOfMemoryError } from './gpu-errors.ts';
import { kernelFor } from './tuning.ts';

interface Dispatch {
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
  workgroups: readonly [number, number, number];
}

const uniformStride = 256;

export class Executable {
  readonly memory: MemoryPlan;
  private readonly gpu: Gpu;
  private readonly buffers: Map<Tensor, GPUBuffer>;
  private readonly owned: readonly GPUBuffer[];
  private readonly dispatches: Record<string, readonly Dispatch[]>;

  private constructor(
    gpu: Gpu,
    memory: MemoryPlan,
    buffers: Map<Tensor, GPUBuffer>,
    owned: readonly GPUBuffer[],
    dispatches: Record<string, readonly Dispatch[]>,
  ) {
    this.gpu = gpu;
    this.memory = memory;
    this.buffers = buffers;
    this.owned = owned;
    this.dispatches = dispatches;
  }

  /**
   * Allocates and compiles. `external` gives the buffer of every external tensor. Throws `OutOfMemoryError` when a buffer is larger than the
   * device binds, or than what is left of its memory.
   */
  static async create(
    gpu: Gpu,
    plan: Plan,
    external: ReadonlyMap<Tensor, GPUBuffer> = new Map(),
  ): Promise<Executable> {
    const memory = planMemory(plan);
    const limit = Math.min(gpu.info.limits.maxBufferSize!, gpu.info.limits.maxStorageBufferBindingSize!);
    const owned: GPUBuffer[] = [];
    const make = (label: string, bytes: number): GPUBuffer => {
      if (bytes > limit) {
        throw new OutOfMemoryError(
          `${label} needs a buffer of ${mib(bytes)}, and ${gpu.info.name} binds ${mib(limit)} at most`,
          { hint: 'lower micro_batch_size or sequence_length, or use a smaller vocabulary' },
        );
      }
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = gpu.device.createBuffer({
        label,
        size: Math.ceil(Math.max(16, bytes) / 16) * 16,
        usage,
      });
      owned.push(buffer);
      return buffer;
    };
    const buffers = new Map<Tensor, GPUBuffer>();
    const place = (): void => {
      const slots = memory.slots.map((bytes, i) => make(`activations ${i}`, bytes));
      for (const tensor of plan.tensors) {
        if (tensor.view) continue;
        const slot = memory.slotOf.get(tensor);
        if (tensor.kind === 'persistent') buffers.set(tensor, make(tensor.name, tensor.size * 4));
        else if (tensor.kind === 'external') {
          const given = external.get(tensor);
          invariant(
            given && given.size >= tensor.size * 4,
            `no buffer, or too small a one, for external tensor ${tensor.name}`,
          );
          buffers.set(tensor, given);
        } else if (slot !== undefined) buffers.set(tensor, slots[slot]!);
      }
    };
    try {
      await allocating(gpu, place, () => owned.reduce((total, buffer) => total + buffer.size, 0));
      const dispatches: Record<string, Dispatch[]> = {};
      for (const [name, operations] of Object.entries(plan.programs)) {
        dispatches[name] = await bind(gpu, operations, buffers, owned);
      }
      gpu.check();
      return new Executable(gpu, memory, buffers, owned, dispatches);
    } catch (error) {
      for (const buffer of owned) buffer.destroy();
      throw error;
    }
  }

  /** Bytes of all buffers made for this executable. */
  get allocatedBytes(): number {
    return this.owned.reduce((total, buffer) => total + buffer.size, 0);
  }

  /** The GPU buffer that holds a tensor, and the tensor's offset in it in bytes. */
  locate(tensor: Tensor): { buffer: GPUBuffer; offset: number } {
    const { root, offset } = rootOf(tensor);
    const buffer = this.buffers.get(root);
    invariant(buffer, `tensor ${tensor.name} has no buffer`);
    return { buffer, offset: offset * 4 };
  }

  /** Copies values to a tensor before the next submit. */
  write(tensor: Tensor, values: Float32Array | Uint32Array, at = 0): void {
    const { buffer, offset } = this.locate(tensor);
    invariant(
      at + values.length <= tensor.size,
      `${values.length} values at ${at} do not fit ${tensor.name} (${tensor.size})`,
    );
    this.gpu.device.queue.writeBuffer(buffer, offset + at * 4, values as Float32Array<ArrayBuffer>);
  }

  /** Reads `size` elements of a tensor back, after everything submitted before. */
  async read(tensor: Tensor, size = tensor.size, at = 0): Promise<ArrayBuffer> {
    const { buffer, offset } = this.locate(tensor);
    return this.gpu.read(buffer, offset + at * 4, size * 4);
  }

  /**
   * Runs programs and reads whole tensors back, one behind the other, in one submission. The copy is ordered now; programs may be run before the
   * promise is waited for.
   */
  runAndRead(programs: readonly string[], tensors: readonly Tensor[]): Promise<ArrayBuffer> {
    const encoder = this.gpu.device.createCommandEncoder();
    for (const program of programs) this.encode(encoder, program);
    const ranges = tensors.map((tensor) => ({ ...this.locate(tensor), bytes: tensor.size * 4 }));
    return this.gpu.readRanges(ranges, encoder);
  }

  clear(encoder: GPUCommandEncoder, tensor: Tensor): void {
    const { buffer, offset } = this.locate(tensor);
    encoder.clearBuffer(buffer, offset, tensor.size * 4);
  }

  /** Records a program, as one compute pass. */
  encode(encoder: GPUCommandEncoder, program: string): void {
    const list = this.dispatches[program];
    invariant(list, `the plan has no program ${program}`);
    const pass = encoder.beginComputePass({ label: program });
    for (const { pipeline, group, workgroups } of list) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
  }

  /** Runs programs in order, in one submit. */
  run(...programs: string[]): void {
    const encoder = this.gpu.device.createCommandEncoder();
    for (const program of programs) this.encode(encoder, program);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Frees what this executable allocated; call after `gpu.sync()`. */
  destroy(): void {
    for (const buffer of this.owned) buffer.destroy();
  }
}

/** Makes buffers; waits until the device has said whether it has the memory, since it would go on with buffers that are none. */
async function allocating(gpu: Gpu, make: () => void, bytes: () => number): Promise<void> {
  gpu.device.pushErrorScope('out-of-memory');
  let refused: GPUError | null;
  try {
    make();
  } finally {
    refused = await gpu.device.popErrorScope();
  }
  if (refused) {
    throw new OutOfMemoryError(`${gpu.info.name} has not the memory for ${mib(bytes())}: ${refused.message}`);
  }
}

async function bind(
  gpu: Gpu,
  recorded: readonly Operation[],
  buffers: ReadonlyMap<Tensor, GPUBuffer>,
  owned: GPUBuffer[],
): Promise<Dispatch[]> {
  const { device } = gpu;
  const operations = recorded.map((op) => ({ ...op, kernel: kernelFor(gpu, op.kernel, op.scalars) }));
  const uniforms = new Uint8Array(Math.max(1, operations.length) * uniformStride);
  operations.forEach((op, i) => {
    uniforms.set(new Uint8Array(packParams(op.kernel, op.scalars)), i * uniformStride);
  });
  const uniform = device.createBuffer({
    label: 'parameters',
    size: uniforms.byteLength,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  owned.push(uniform);
  device.queue.writeBuffer(uniform, 0, uniforms);
  // All at once: drivers compile in parallel.
  const compiled = await Promise.all(operations.map((op) => compileKernel(device, op.kernel, op.scalars)));
  return operations.map((op, i) => {
    const entries: GPUBindGroupEntry[] = op.tensors.map((tensor, binding) => {
      const { root, offset } = rootOf(tensor);
      const buffer = buffers.get(root)!;
      return {
        binding,
        resource: {
          buffer,
          offset: offset * 4,
          size: Math.min(buffer.size - offset * 4, Math.max(16, tensor.size * 4)),
        },
      };
    });
    const bytes = Math.max(16, Math.ceil((op.kernel.params.length * 4) / 16) * 16);
    entries.push({
      binding: entries.length,
      resource: { buffer: uniform, offset: i * uniformStride, size: bytes },
    });
    return {
      pipeline: compiled[i]!.pipeline,
      group: device.createBindGroup({ label: op.kernel.name, layout: compiled[i]!.layout, entries }),
      workgroups: op.kernel.workgroups(op.scalars),
    };
  });
}

function mib(bytes: number): string {
  return `${(bytes / 1048576).toFixed(1)} MiB`;
}
