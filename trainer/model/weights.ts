/**
 * The model's weights on the GPU: one buffer a slab, shared by every plan that needs them (training, evaluation, sampling), so a
 * rollout always sees the weights that were just updated.
 */
import { invariant, UserError } from '../../src/core/errors.ts';
import type { Gpu } from '../device.ts';
import type { PlanBuilder, Tensor } from '../plan.ts';
import type { ModelConfig } from './config.ts';
import { layoutSlabs, parameterBlocks, type Slab } from './parameters.ts';

interface Place {
  slab: number;
  /** Elements. */
  offset: number;
  shape: readonly number[];
}

export class ModelWeights {
  readonly config: ModelConfig;
  readonly slabs: readonly Slab[];
  private readonly gpu: Gpu;
  private readonly buffers: readonly GPUBuffer[];
  private readonly byName = new Map<string, Place>();

  constructor(gpu: Gpu, config: ModelConfig) {
    this.gpu = gpu;
    this.config = config;
    const limit = Math.min(gpu.info.limits.maxBufferSize!, gpu.info.limits.maxStorageBufferBindingSize!);
    this.slabs = layoutSlabs(parameterBlocks(config), limit);
    this.buffers = this.slabs.map((slab, i) =>
      gpu.device.createBuffer({
        label: `weights ${i}`,
        size: slab.size * 4,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      }),
    );
    this.slabs.forEach((slab, index) => {
      for (const { block, offset } of slab.blocks) {
        let at = offset;
        for (const part of block.parts) {
          this.byName.set(part.name, { slab: index, offset: at, shape: part.shape });
          at += part.shape.reduce((a, b) => a * b, 1);
        }
      }
    });
  }

  /** Hugging Face names and shapes, in order. */
  names(): { name: string; shape: readonly number[] }[] {
    return [...this.byName].map(([name, { shape }]) => ({ name, shape }));
  }

  /** Where each tensor lies in the slabs (offset in elements). */
  places(): { name: string; slab: number; offset: number; shape: readonly number[] }[] {
    return [...this.byName].map(([name, place]) => ({ name, ...place }));
  }

  /** Uploads one tensor. Throws when the name or the size does not belong to this model. */
  load(name: string, values: Float32Array): void {
    const place = this.byName.get(name);
    if (!place)
      throw new UserError(`the model has no tensor ${name}`, {
        hint: 'config.json and the weights do not belong together',
      });
    const size = place.shape.reduce((a, b) => a * b, 1);
    if (values.length !== size) {
      throw new UserError(
        `tensor ${name} has ${values.length} values, config.json asks for ${place.shape.join(' x ')} = ${size}`,
      );
    }
    this.gpu.device.queue.writeBuffer(
      this.buffers[place.slab]!,
      place.offset * 4,
      values as Float32Array<ArrayBuffer>,
    );
  }

  /** Reads one tensor back. */
  async save(name: string): Promise<Float32Array> {
    const place = this.byName.get(name);
    invariant(place, `no tensor ${name}`);
    const size = place.shape.reduce((a, b) => a * b, 1);
    return new Float32Array(await this.gpu.read(this.buffers[place.slab]!, place.offset * 4, size * 4));
  }

  /** Declares the slabs in a plan: slab tensors, block tensors by name, and the buffers to bind them to. */
  declare(builder: PlanBuilder): {
    slabs: Tensor[];
    blocks: Map<string, Tensor>;
    external: Map<Tensor, GPUBuffer>;
  } {
    const declared = declareSlabs(builder, 'weights', this.slabs, 'external');
    return { ...declared, external: new Map(declared.slabs.map((tensor, i) => [tensor, this.buffers[i]!])) };
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
  }
}

/** Tensors with the layout of the parameter slabs: weights, gradients, moments. */
export function declareSlabs(
  builder: PlanBuilder,
  name: string,
  layout: readonly Slab[],
  kind: 'external' | 'persistent',
): { slabs: Tensor[]; blocks: Map<string, Tensor> } {
  const blocks = new Map<string, Tensor>();
  const slabs = layout.map((slab, i) => {
    const tensor = builder.tensor(`${name} ${i}`, slab.size, kind);
    for (const { block, offset } of slab.blocks) {
      blocks.set(block.name, builder.view(tensor, `${name} ${block.name}`, offset, block.size));
    }
    return tensor;
  });
  return { slabs, blocks };
}
