/**
 * The model's weights on the GPU: one buffer a slab, shared by every plan that needs them (training, evaluation, sampling), so a
 * rollout always sees the weights that were just updated. Tensors go up and come back in ranges, so none is in memory whole.
 */
import { invariant, UserError } from '../../src/core/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import type { PlanBuilder, Tensor } from '../plan/plan.ts';
import type { ModelConfig } from './config.ts';
import { bytesOfHalves, declareHalves, HalfWeights, type Precision } from './half-weights.ts';
import { layoutSlabs, parameterBlocks, type Slab, vocabularyRows } from './parameters.ts';

/** A range of a tensor's values (row-major) and where it lies. */
export interface TensorPlace {
  slab: number;
  /** In the slab, in elements. */
  offset: number;
  /** In the tensor, in elements. */
  first: number;
  size: number;
}

export interface PlacedTensor {
  name: string;
  shape: readonly number[];
  size: number;
  /** In order, the whole tensor. */
  places: readonly TensorPlace[];
}

export interface WeightOptions {
  /** Most bytes of one parameter block, below what the device binds: for tests of the vocabulary in row blocks. */
  maxBlockBytes?: number;
  /** `f16`: every plan made on these weights takes the operands of its products in f16. Default f32. */
  precision?: Precision;
}

export class ModelWeights {
  readonly config: ModelConfig;
  readonly slabs: readonly Slab[];
  readonly precision: Precision;
  private readonly gpu: Gpu;
  private readonly buffers: readonly GPUBuffer[];
  private readonly halves: HalfWeights | undefined;
  private readonly byName: ReadonlyMap<string, PlacedTensor>;

  constructor(gpu: Gpu, config: ModelConfig, options: WeightOptions = {}) {
    this.gpu = gpu;
    this.config = config;
    const limit = Math.min(gpu.info.limits.maxBufferSize!, gpu.info.limits.maxStorageBufferBindingSize!);
    const rows = vocabularyRows(config, Math.min(limit, options.maxBlockBytes ?? limit));
    this.slabs = layoutSlabs(parameterBlocks(config, rows), limit);
    this.buffers = this.slabs.map((slab, i) =>
      gpu.device.createBuffer({
        label: `weights ${i}`,
        size: slab.size * 4,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      }),
    );
    this.precision = options.precision ?? 'f32';
    this.halves = this.precision === 'f16' ? new HalfWeights(gpu, this.slabs) : undefined;
    this.byName = placeTensors(this.slabs);
  }

  /** Bytes of the buffers that hold the weights, their copies in halves too. */
  get allocatedBytes(): number {
    const whole = this.slabs.reduce((bytes, slab) => bytes + slab.size * 4, 0);
    return whole + (this.halves === undefined ? 0 : bytesOfHalves(this.slabs));
  }

  /** Every tensor by its Hugging Face name, in order, and where it lies in the slabs. */
  tensors(): PlacedTensor[] {
    return [...this.byName.values()];
  }

  /** The tensor of that name. Throws when the model has none, or has it in another shape. */
  tensor(name: string, shape: readonly number[]): PlacedTensor {
    const placed = this.byName.get(name);
    if (!placed)
      throw new UserError(`the model has no tensor ${name}`, {
        hint: 'config.json and the weights do not belong together',
      });
    if (placed.shape.join() !== shape.join()) {
      throw new UserError(
        `tensor ${name} has shape ${shape.join(' x ')}, config.json asks for ${placed.shape.join(' x ')}`,
        { hint: 'config.json and the weights do not belong together' },
      );
    }
    return placed;
  }

  /** Uploads values of one tensor from element `first` on. */
  load(name: string, values: Float32Array, first = 0): void {
    const placed = this.byName.get(name);
    if (!placed) throw new UserError(`the model has no tensor ${name}`);
    if (first + values.length > placed.size)
      throw new UserError(
        `tensor ${name}: ${values.length} values from element ${first} on, and it has ${placed.size}`,
      );
    for (const { place, at, size } of rangesOf(placed, first, values.length)) {
      this.gpu.device.queue.writeBuffer(
        this.buffers[place.slab]!,
        (place.offset + at - place.first) * 4,
        values.subarray(at - first, at - first + size) as Float32Array<ArrayBuffer>,
      );
      this.halves?.update(place.slab, this.buffers[place.slab]!, place.offset + at - place.first, size);
    }
  }

  /** Reads values of one tensor back: `size` from element `first` on. */
  async save(name: string, first = 0, size?: number): Promise<Float32Array> {
    const placed = this.byName.get(name);
    invariant(placed, `no tensor ${name}`);
    return readPlaces(placed, first, size ?? placed.size - first, (slab, offset, length) =>
      this.gpu.read(this.buffers[slab]!, offset * 4, length * 4),
    );
  }

  /** Declares the slabs in a plan: slab tensors, and block tensors by name. The buffers to bind them to are added to `buffers`. */
  declare(
    builder: PlanBuilder,
    buffers: Map<Tensor, GPUBuffer> = new Map(),
  ): { slabs: Tensor[]; blocks: Map<string, Tensor> } {
    const declared = declareWeights(builder, this.slabs, this.precision, 'external');
    declared.slabs.forEach((tensor, i) => {
      buffers.set(tensor, this.buffers[i]!);
    });
    declared.halves.forEach((tensor, i) => {
      if (tensor) buffers.set(tensor, this.halves!.buffers[i]!);
    });
    return declared;
  }

  destroy(): void {
    this.halves?.destroy();
    for (const buffer of this.buffers) buffer.destroy();
  }
}

/** Where each tensor lies in slabs of this layout: weights, gradients and moments alike. */
export function placeTensors(slabs: readonly Slab[]): Map<string, PlacedTensor> {
  const tensors = new Map<string, PlacedTensor & { places: TensorPlace[] }>();
  slabs.forEach((slab, index) => {
    for (const { block, offset } of slab.blocks) {
      let at = offset;
      for (const { name, shape, firstRow } of block.parts) {
        const size = shape.reduce((a, b) => a * b, 1);
        const earlier = tensors.get(name);
        invariant((earlier?.size ?? 0) === (firstRow ?? 0) * (size / shape[0]!), `${name} in order`);
        const place = { slab: index, offset: at, first: earlier?.size ?? 0, size };
        tensors.set(name, {
          name,
          shape: [(firstRow ?? 0) + shape[0]!, ...shape.slice(1)],
          size: place.first + size,
          places: [...(earlier?.places ?? []), place],
        });
        at += size;
      }
    }
  });
  return tensors;
}

/** The ranges of the slabs that hold `size` elements of a tensor from `first` on; `at` counts in the tensor. */
export function* rangesOf(
  tensor: PlacedTensor,
  first: number,
  size: number,
): Generator<{ place: TensorPlace; at: number; size: number }> {
  for (const place of tensor.places) {
    const at = Math.max(first, place.first);
    const end = Math.min(first + size, place.first + place.size);
    if (at < end) yield { place, at, size: end - at };
  }
}

/** Values of a tensor put together from its places; `read` takes slab, offset and length in elements. */
export async function readPlaces(
  tensor: PlacedTensor,
  first: number,
  size: number,
  read: (slab: number, offset: number, length: number) => Promise<ArrayBuffer>,
): Promise<Float32Array> {
  const ranges = [...rangesOf(tensor, first, size)];
  const one = async ({ place, at, size: length }: (typeof ranges)[number]) =>
    new Float32Array(await read(place.slab, place.offset + at - place.first, length));
  if (ranges.length === 1) return one(ranges[0]!);
  const values = new Float32Array(size);
  for (const range of ranges) values.set(await one(range), range.at - first);
  return values;
}

/** The weights as tensors, in f16 with their halves: slab tensors, block tensors by name, and the slabs of halves where there are any. */
export function declareWeights(
  builder: PlanBuilder,
  layout: readonly Slab[],
  precision: Precision,
  kind: 'external' | 'persistent',
): { slabs: Tensor[]; blocks: Map<string, Tensor>; halves: readonly (Tensor | undefined)[] } {
  const halves = precision === 'f16' ? declareHalves(builder, layout, kind) : undefined;
  const declared = declareSlabs(builder, 'weights', layout, kind, halves?.blocks);
  return { ...declared, halves: halves?.slabs ?? [] };
}

/** Tensors with the layout of the parameter slabs: weights, gradients, moments. */
export function declareSlabs(
  builder: PlanBuilder,
  name: string,
  layout: readonly Slab[],
  kind: 'external' | 'persistent',
  halves?: ReadonlyMap<string, Tensor>,
): { slabs: Tensor[]; blocks: Map<string, Tensor> } {
  const blocks = new Map<string, Tensor>();
  const slabs = layout.map((slab, i) => {
    const tensor = builder.tensor(`${name} ${i}`, slab.size, kind);
    for (const { block, offset } of slab.blocks) {
      blocks.set(
        block.name,
        builder.view(tensor, `${name} ${block.name}`, offset, block.size, halves?.get(block.name)),
      );
    }
    return tensor;
  });
  return { slabs, blocks };
}
