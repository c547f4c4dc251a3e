/**
 * Writes safetensors files in f32, bf16 or f16, one file or shards with an index, in pieces: no tensor is in memory whole. Files appear
 * whole or not at all, the index last. f32 is exact; the others round to nearest, ties to even.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { AtomicFile, writeFileAtomic } from './atomic.ts';
import { bytesPerElement, type Dtype, pieceElements } from './safetensors.ts';

export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Gives `size` values of a tensor from element `first` on. */
export type ValuesOf = (name: string, first: number, size: number) => Promise<Float32Array>;

const sizeOf = ({ shape }: TensorToWrite) => shape.reduce((a, b) => a * b, 1);

/** One file, tensors in the order given. */
export async function writeSafetensors(
  file: string,
  tensors: readonly TensorToWrite[],
  values: ValuesOf,
  dtype: Dtype = 'F32',
): Promise<void> {
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const tensor of tensors) {
    const bytes = sizeOf(tensor) * bytesPerElement[dtype];
    header[tensor.name] = { dtype, shape: tensor.shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  let json = JSON.stringify(header);
  // Readers map the file, so data starts on 8 bytes.
  json += ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  const output = await AtomicFile.create(file);
  try {
    await output.write(Buffer.concat([length, Buffer.from(json)]));
    for (const tensor of tensors) {
      const total = sizeOf(tensor);
      for (let first = 0; first < total; first += pieceElements) {
        const piece = await values(tensor.name, first, Math.min(pieceElements, total - first));
        await output.write(encode(piece, dtype));
      }
    }
    await output.commit();
  } catch (error) {
    await output.abort();
    throw error;
  }
}

/**
 * A model's weights in `folder`: model.safetensors, or with more than `maxShardBytes` shards model-00001-of-0000N.safetensors and
 * model.safetensors.index.json, as transformers writes and reads them.
 */
export async function writeModelFiles(
  folder: string,
  tensors: readonly TensorToWrite[],
  values: ValuesOf,
  { dtype = 'F32', maxShardBytes = Number.POSITIVE_INFINITY }: { dtype?: Dtype; maxShardBytes?: number } = {},
): Promise<void> {
  const shards = planShards(tensors, dtype, maxShardBytes);
  const index = path.join(folder, 'model.safetensors.index.json');
  if (shards.length <= 1) {
    await writeSafetensors(path.join(folder, 'model.safetensors'), tensors, values, dtype);
    // An index left from before would be read instead.
    await rm(index, { force: true });
    return;
  }
  const weightMap: Record<string, string> = {};
  const number = (n: number) => String(n).padStart(5, '0');
  for (const [i, shard] of shards.entries()) {
    const name = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    await writeSafetensors(path.join(folder, name), shard, values, dtype);
    for (const tensor of shard) weightMap[tensor.name] = name;
  }
  await rm(path.join(folder, 'model.safetensors'), { force: true });
  const total = tensors.reduce((sum, tensor) => sum + sizeOf(tensor) * bytesPerElement[dtype], 0);
  await writeFileAtomic(
    index,
    `${JSON.stringify({ metadata: { total_size: total }, weight_map: weightMap }, null, 2)}\n`,
  );
}

/** Tensors in order, as many to a shard as fit; one that does not fit has a shard of its own. */
export function planShards<T extends TensorToWrite>(
  tensors: readonly T[],
  dtype: Dtype,
  maxShardBytes: number,
): T[][] {
  const shards: T[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = sizeOf(tensor) * bytesPerElement[dtype];
    if (shards.length === 0 || bytes > room) {
      shards.push([]);
      room = maxShardBytes;
    }
    shards.at(-1)!.push(tensor);
    room -= bytes;
  }
  return shards;
}

function encode(values: Float32Array, dtype: Dtype): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === 'F16') return new Uint8Array(Float16Array.from(values).buffer);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const notANumber = (b & 0x7f800000) === 0x7f800000 && (b & 0x7fffff) !== 0;
    // Rounding a NaN could carry into infinity; its quiet bit is set instead.
    halves[i] = notANumber ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}
