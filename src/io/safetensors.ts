/**
 * Reads the safetensors format (Hugging Face): 8 bytes header length, JSON header, tensors back to back. Single files and sharded folders
 * with an index; f32, f16 and bf16. Tensors are read in pieces, so not even one of them is in memory whole; write-safetensors.ts writes.
 * The header is untrusted: its length, every offset and every size are checked against the file before anything is allocated.
 */
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf } from '../core/errors.ts';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: 'F32' | 'F16' | 'BF16';
  readonly shape: readonly number[];
  readonly file: string;
  /** Bytes, from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

export type Dtype = TensorInfo['dtype'];
export const bytesPerElement = { F32: 4, F16: 2, BF16: 2 } as const;

/** Values that are read or written at a time: 16 MiB in f32. */
export const pieceElements = 1 << 22;
const largestHeader = 100 * 1024 * 1024;

/** The tensors of `folder`: <name>.safetensors, or the shards that <name>.safetensors.index.json names. */
export async function listTensors(folder: string, name = 'model'): Promise<TensorInfo[]> {
  const single = path.join(folder, `${name}.safetensors`);
  if (existsSync(single)) return readHeader(single);
  const indexFile = path.join(folder, `${name}.safetensors.index.json`);
  if (!existsSync(indexFile)) {
    throw new InputError(folder, `no ${name}.safetensors and no ${name}.safetensors.index.json`, {
      hint: 'give a Hugging Face model folder; pickled weights (.bin, .pt) are not read',
    });
  }
  let files: string[];
  try {
    const index = JSON.parse(await readFile(indexFile, 'utf8')) as { weight_map: Record<string, string> };
    files = [...new Set(Object.values(index.weight_map))].sort();
  } catch (cause) {
    throw new InputError(indexFile, `not a shard index: ${messageOf(cause)}`, { cause });
  }
  const all: TensorInfo[] = [];
  for (const file of files) {
    if (path.basename(file) !== file)
      throw new InputError(indexFile, `shard name "${file}" leaves the folder`);
    all.push(...(await readHeader(path.join(folder, file))));
  }
  return all;
}

async function readHeader(file: string): Promise<TensorInfo[]> {
  const handle = await open(file, 'r');
  try {
    const size = (await handle.stat()).size;
    const start = await readExactly(handle, file, 0, 8);
    const length = Number(start.readBigUInt64LE());
    if (length > largestHeader || 8 + length > size) {
      throw new InputError(file, `header length ${length} does not fit a file of ${size} bytes`, {
        place: 'byte 0',
        hint: 'the file is truncated or not safetensors',
      });
    }
    const text = (await readExactly(handle, file, 8, length)).toString('utf8');
    let header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
    try {
      header = JSON.parse(text);
    } catch (cause) {
      throw new InputError(file, 'the header is not JSON', { place: 'byte 8', cause });
    }
    return Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, entry]) => checkEntry(file, name, entry, 8 + length, size));
  } finally {
    await handle.close();
  }
}

function checkEntry(file: string, name: string, entry: unknown, dataStart: number, size: number): TensorInfo {
  const place = `tensor ${name}`;
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (entry ?? {}) as { dtype?: string; shape?: unknown; data_offsets?: unknown };
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
    throw new InputError(file, `dtype ${dtype} is not read`, { place, hint: 'F32, F16 and BF16 are' });
  }
  const whole = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (
    !Array.isArray(shape) ||
    !shape.every(whole) ||
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every(whole)
  ) {
    throw new InputError(file, 'shape or data_offsets are not lists of whole numbers', { place });
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((a, b) => a * b, 1) * bytesPerElement[dtype];
  if (end - begin !== bytes || dataStart + end > size) {
    throw new InputError(
      file,
      `${dtype} of shape ${shape.join(' x ')} takes ${bytes} bytes, the file gives bytes ${begin} to ${end}`,
      { place, hint: 'the file is truncated or damaged' },
    );
  }
  return { name, dtype, shape, file, begin: dataStart + begin, end: dataStart + end };
}

async function readExactly(
  handle: FileHandle,
  file: string,
  position: number,
  bytes: number,
): Promise<Buffer<ArrayBuffer>> {
  const buffer = Buffer.alloc(bytes);
  let at = 0;
  while (at < bytes) {
    const { bytesRead } = await handle.read(buffer, at, bytes - at, position + at);
    if (bytesRead === 0)
      throw new InputError(file, `ends after ${position + at} bytes`, {
        place: `byte ${position + at}`,
        hint: 'the file is truncated',
      });
    at += bytesRead;
  }
  return buffer;
}

/** Values of one tensor as f32 in order, in pieces of at most `pieceElements`; `first` counts elements from the tensor's start. */
export async function* readPieces(info: TensorInfo): AsyncGenerator<{ first: number; values: Float32Array }> {
  const width = bytesPerElement[info.dtype];
  const total = (info.end - info.begin) / width;
  const handle = await open(info.file, 'r');
  try {
    for (let first = 0; first < total; first += pieceElements) {
      const size = Math.min(pieceElements, total - first);
      const raw = await readExactly(handle, info.file, info.begin + first * width, size * width);
      yield { first, values: toFloats(raw, info.dtype) };
    }
  } finally {
    await handle.close();
  }
}

/** `size` values of one tensor as f32, from element `first` on. */
export async function readRange(info: TensorInfo, first: number, size: number): Promise<Float32Array> {
  const width = bytesPerElement[info.dtype];
  const handle = await open(info.file, 'r');
  try {
    return toFloats(
      await readExactly(handle, info.file, info.begin + first * width, size * width),
      info.dtype,
    );
  } finally {
    await handle.close();
  }
}

/** All values of one tensor as f32. */
export async function readTensor(info: TensorInfo): Promise<Float32Array> {
  const values = new Float32Array((info.end - info.begin) / bytesPerElement[info.dtype]);
  for await (const piece of readPieces(info)) values.set(piece.values, piece.first);
  return values;
}

function toFloats(raw: Buffer<ArrayBuffer>, dtype: Dtype): Float32Array {
  // Views need an aligned start, which a pooled buffer may not have.
  const aligned =
    raw.byteOffset % 4 === 0
      ? raw
      : Buffer.from(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const { buffer, byteOffset, length } = aligned;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, length / 4);
  if (dtype === 'F16') return Float32Array.from(new Float16Array(buffer, byteOffset, length / 2));
  const halves = new Uint16Array(buffer, byteOffset, length / 2);
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
