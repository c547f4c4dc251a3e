/**
 * The weights of matrix products once more in halves, for `precision: f16`: where each block lies, and how the copies follow the f32 masters,
 * after an optimizer step by operations of the plan, after a load by a dispatch of their own. The optimizer never reads them.
 */
import { shaderSource } from '../../kernels/compile.ts';
import { halfWords, packHalvesKernel } from '../../kernels/half/spec.ts';
import type { Gpu } from '../gpu/device.ts';
import { type PlanBuilder, type Tensor, windowAlignment } from '../plan/plan.ts';
import type { ParameterBlock, Slab } from './parameters.ts';

/** What operands of matrix products are rounded to; sums and everything else are f32. */
export type Precision = 'f32' | 'f16';

/** The halves of one slab's blocks; sizes and offsets in words of two halves. */
export interface HalfSlab {
  readonly size: number;
  readonly blocks: readonly { readonly block: ParameterBlock; readonly offset: number }[];
}

/** One for each slab, with those of its blocks that products read; offsets are window-aligned. */
export function layoutHalves(slabs: readonly Slab[]): HalfSlab[] {
  return slabs.map((slab) => {
    let size = 0;
    const blocks = slab.blocks
      .filter(({ block }) => block.inProducts)
      .map(({ block }) => {
        const offset = size;
        size += Math.ceil(halfWords(block.size) / windowAlignment) * windowAlignment;
        return { block, offset };
      });
    return { size, blocks };
  });
}

/** Bytes that the halves of these slabs take. */
export function bytesOfHalves(slabs: readonly Slab[]): number {
  return layoutHalves(slabs).reduce((total, { size }) => total + size * 4, 0);
}

/** Tensors for the halves: of each slab that has any, and of each block by name. */
export function declareHalves(
  builder: PlanBuilder,
  slabs: readonly Slab[],
  kind: 'external' | 'persistent',
): { slabs: (Tensor | undefined)[]; blocks: Map<string, Tensor> } {
  const blocks = new Map<string, Tensor>();
  const tensors = layoutHalves(slabs).map((half, i) => {
    if (half.size === 0) return undefined;
    const tensor = builder.tensor(`weights ${i} in halves`, half.size, kind, 'u32');
    for (const { block, offset } of half.blocks)
      blocks.set(
        block.name,
        builder.view(tensor, `weights ${block.name} in halves`, offset, halfWords(block.size)),
      );
    return tensor;
  });
  return { slabs: tensors, blocks };
}

/** Rounds every weight that has halves, after the optimizer has moved it. */
export function recordHalves(builder: PlanBuilder, blocks: ReadonlyMap<string, Tensor>): void {
  for (const block of blocks.values()) {
    if (block.half) builder.run(packHalvesKernel, { x: block, y: block.half }, { size: block.size });
  }
}

/** The buffers of the halves beside a model's weights. */
export class HalfWeights {
  /** For each slab; undefined where products read nothing of it. */
  readonly buffers: readonly (GPUBuffer | undefined)[];
  private readonly gpu: Gpu;
  private readonly slabs: readonly Slab[];
  private readonly layout: readonly HalfSlab[];
  private readonly pipeline: GPUComputePipeline;

  constructor(gpu: Gpu, slabs: readonly Slab[]) {
    this.gpu = gpu;
    this.slabs = slabs;
    this.layout = layoutHalves(slabs);
    this.buffers = this.layout.map(({ size }, i) =>
      size === 0
        ? undefined
        : gpu.device.createBuffer({
            label: `weights ${i} in halves`,
            size: size * 4,
            usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
          }),
    );
    const code = shaderSource(packHalvesKernel, {});
    const module = gpu.device.createShaderModule({ label: packHalvesKernel.file, code });
    this.pipeline = gpu.device.createComputePipeline({
      label: packHalvesKernel.name,
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
  }

  /** Rounds elements `first` .. `first + size` of a slab again, after they were written to `weights`, its buffer. */
  update(slab: number, weights: GPUBuffer, first: number, size: number): void {
    for (const { block, offset } of this.slabs[slab]!.blocks) {
      const half = this.layout[slab]!.blocks.find((h) => h.block === block);
      if (!half) continue;
      // Whole windows of words, so that both buffers can be bound where the range begins.
      const window = windowAlignment * 2;
      const begin = Math.floor(Math.max(0, first - offset) / window) * window;
      const end = Math.min(block.size, Math.ceil((first + size - offset) / 2) * 2);
      if (begin < end) this.pack(slab, weights, offset + begin, half.offset + begin / 2, end - begin);
    }
  }

  private pack(slab: number, weights: GPUBuffer, from: number, to: number, size: number): void {
    const { device } = this.gpu;
    const uniform = device.createBuffer({
      size: 16,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(uniform, 0, Uint32Array.of(size));
    const group = device.createBindGroup({
      layout: this.pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: weights, offset: from * 4, size: size * 4 } },
        {
          binding: 1,
          resource: { buffer: this.buffers[slab]!, offset: to * 4, size: halfWords(size) * 4 },
        },
        { binding: 2, resource: { buffer: uniform } },
      ],
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({ label: packHalvesKernel.name });
    pass.setPipeline(this.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...packHalvesKernel.workgroups({ size }));
    pass.end();
    device.queue.submit([encoder.finish()]);
    uniform.destroy();
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer?.destroy();
  }
}
