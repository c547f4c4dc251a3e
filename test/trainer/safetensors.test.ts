/** Safetensors: what is written is read back, f16 and bf16 become f32, and a hostile header is refused before anything is allocated. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listTensors, readTensor } from '../../src/io/safetensors.ts';
import { planShards, writeModelFiles, writeSafetensors } from '../../src/io/write-safetensors.ts';
import { convertFolder } from '../../trainer/convert/convert-folder.ts';

const root = mkdtempSync(path.join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string): string {
  mkdirSync(path.join(root, name), { recursive: true });
  return path.join(root, name);
}

function fileOf(header: unknown, data: Buffer, length?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([size, json, data]);
}

describe('a folder in other numbers', () => {
  it('keeps names, shapes, tokenizer and every other key of config.json; f32 and back is exact', async () => {
    const from = path.join(import.meta.dirname, '../fixtures/families/qwen2');
    const to = path.join(root, 'qwen2-bf16');
    const done = await convertFolder(from, to, 'BF16', 4000);
    const [before, after] = [await listTensors(from), await listTensors(to)];
    expect(new Set(after.map((t) => t.file)).size).toBeGreaterThan(1);
    const shapes = (all: typeof before) => all.map((t) => `${t.name} ${t.shape}`).sort();
    expect(shapes(after)).toEqual(shapes(before));
    expect(done.tensors).toBe(before.length);
    for (const info of after) {
      const exact = await readTensor(before.find((t) => t.name === info.name)!);
      const rounded = await readTensor(info);
      exact.forEach((x, i) => {
        expect(Math.abs(rounded[i]! - x)).toBeLessThanOrEqual(Math.abs(x) * 2 ** -8);
      });
    }
    const config = (folderOf: string) =>
      JSON.parse(readFileSync(path.join(folderOf, 'config.json'), 'utf8')) as Record<string, unknown>;
    const { dtype: _, ...rest } = config(from);
    expect(config(to)).toEqual({ ...rest, torch_dtype: 'bfloat16' });
    const exact = path.join(root, 'qwen2-f32');
    await convertFolder(from, exact, 'F32');
    for (const info of await listTensors(exact))
      expect(await readTensor(info)).toEqual(await readTensor(before.find((t) => t.name === info.name)!));
    await expect(convertFolder(exact, exact, 'F16')).rejects.toThrow(/is the folder that is converted/);
  });
});

describe('safetensors', () => {
  it('reads back what it wrote', async () => {
    const values = { a: Float32Array.of(1, -2.5, 3e-9), b: Float32Array.of(Infinity, 0, -0, 7) };
    const at = folder('round');
    const tensors = [
      { name: 'a', shape: [3] },
      { name: 'b', shape: [2, 2] },
    ];
    await writeSafetensors(path.join(at, 'model.safetensors'), tensors, async (name) => values[name as 'a']);
    const found = await listTensors(at);
    expect(found.map(({ name, shape, dtype }) => ({ name, shape, dtype }))).toEqual(
      tensors.map((t) => ({ ...t, dtype: 'F32' })),
    );
    for (const info of found) expect(await readTensor(info)).toEqual(values[info.name as 'a']);
  });

  it('rounds to the nearest bf16 and f16, ties to even', async () => {
    const values = Float32Array.of(
      1,
      1 + 2 ** -8,
      1 + 3 * 2 ** -8,
      -1 - 2 ** -9,
      65504,
      2 ** -24,
      Infinity,
      NaN,
    );
    const rounded = {
      BF16: [1, 1, 1 + 2 ** -6, -1, 65536, 2 ** -24, Infinity, NaN],
      F16: [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -1 - 2 ** -9, 65504, 2 ** -24, Infinity, NaN],
    };
    for (const dtype of ['BF16', 'F16'] as const) {
      const at = folder(dtype);
      await writeSafetensors(
        path.join(at, 'model.safetensors'),
        [{ name: 'x', shape: [8] }],
        async () => values,
        dtype,
      );
      const [info] = await listTensors(at);
      expect(info!.dtype).toBe(dtype);
      expect([...(await readTensor(info!))]).toEqual(rounded[dtype]);
    }
  });

  it('writes shards with an index, and drops the index again for a single file', async () => {
    const at = folder('model');
    const tensors = [
      { name: 'a', shape: [6] },
      { name: 'b', shape: [2, 2] },
      { name: 'c', shape: [1] },
    ];
    const valuesOf = async (name: string, first: number, size: number) =>
      Float32Array.from({ length: size }, (_, i) => name.charCodeAt(0) + first + i);
    expect(planShards(tensors, 'F32', 20).map((shard) => shard.map((t) => t.name))).toEqual([
      ['a'],
      ['b', 'c'],
    ]);
    for (const maxShardBytes of [20, 1000]) {
      await writeModelFiles(at, tensors, valuesOf, { maxShardBytes });
      const found = await listTensors(at);
      expect(new Set(found.map((t) => t.file)).size).toBe(maxShardBytes === 20 ? 2 : 1);
      for (const info of found) {
        const size = tensors.find((t) => t.name === info.name)!.shape.reduce((a, b) => a * b, 1);
        expect(await readTensor(info)).toEqual(await valuesOf(info.name, 0, size));
      }
    }
  });

  it('turns bf16 and f16 into f32, subnormals included', async () => {
    const at = folder('halves');
    // bf16 1.5, -2; f16 1.5, -2, the smallest subnormal, 65504.
    const data = Buffer.from(Uint16Array.of(0x3fc0, 0xc000, 0x3e00, 0xc000, 0x0001, 0x7bff).buffer);
    const header = {
      x: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] },
      y: { dtype: 'F16', shape: [4], data_offsets: [4, 12] },
    };
    writeFileSync(path.join(at, 'model.safetensors'), fileOf(header, data));
    const [x, y] = await listTensors(at);
    expect([...(await readTensor(x!))]).toEqual([1.5, -2]);
    expect([...(await readTensor(y!))]).toEqual([1.5, -2, 2 ** -24, 65504]);
  });

  it('reads shards through their index', async () => {
    const at = folder('shards');
    for (const name of ['one', 'two']) {
      await writeSafetensors(path.join(at, `${name}.safetensors`), [{ name, shape: [1] }], async () =>
        Float32Array.of(1),
      );
    }
    writeFileSync(
      path.join(at, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { one: 'one.safetensors', two: 'two.safetensors' } }),
    );
    expect((await listTensors(at)).map((t) => t.name)).toEqual(['one', 'two']);
    writeFileSync(
      path.join(at, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { one: '../one.safetensors' } }),
    );
    await expect(listTensors(at)).rejects.toThrow(/leaves the folder/);
  });

  it.each([
    ['a header longer than the file', fileOf({}, Buffer.alloc(0), 1n << 40n), /does not fit a file/],
    ['no JSON', fileOf('{nonsense', Buffer.alloc(0)), /not JSON/],
    [
      'a tensor beyond the end',
      fileOf({ x: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }, Buffer.alloc(8)),
      /takes 16 bytes/,
    ],
    [
      'a shape that lies',
      fileOf({ x: { dtype: 'F32', shape: [1e9], data_offsets: [0, 8] } }, Buffer.alloc(8)),
      /takes 4000000000 bytes/,
    ],
    [
      'negative offsets',
      fileOf({ x: { dtype: 'F32', shape: [1], data_offsets: [-4, 0] } }, Buffer.alloc(8)),
      /whole numbers/,
    ],
    [
      'another type',
      fileOf({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, Buffer.alloc(8)),
      /dtype I64/,
    ],
    ['seven bytes', Buffer.alloc(7), /ends after 7 bytes/],
  ])('refuses %s', async (name, bytes, message) => {
    const at = folder(name.replaceAll(' ', '-'));
    writeFileSync(path.join(at, 'model.safetensors'), bytes);
    await expect(listTensors(at)).rejects.toThrow(message);
  });

  it('says what is missing', async () => {
    await expect(listTensors(folder('empty'))).rejects.toThrow(/no model.safetensors/);
  });
});
