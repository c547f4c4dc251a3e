/** TensorBoard event files: checksums against known values, and every record taken apart again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { MetricsWriter } from '../../src/io/run-record.ts';
import { crc32c, EventFile } from '../../src/io/tensorboard.ts';

const root = mkdtempSync(path.join(tmpdir(), 'tensorboard-'));
afterAll(() => rmSync(root, { recursive: true }));

it('computes CRC-32C as RFC 3720 does', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});

/** The records of a file, with lengths and checksums checked. */
function recordsOf(file: string): Buffer[] {
  const data = readFileSync(file);
  const unmask = (at: number) => {
    const rotated = (data.readUInt32LE(at) - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const records: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const length = Number(data.readBigUInt64LE(at));
    expect(unmask(at + 8)).toBe(crc32c(data.subarray(at, at + 8)));
    const record = data.subarray(at + 12, at + 12 + length);
    expect(unmask(at + 12 + length)).toBe(crc32c(record));
    records.push(record);
    at += 16 + length;
  }
  return records;
}

it('writes a version record and one event a row, numbers only', () => {
  const folder = path.join(root, 'scalars');
  const events = new EventFile(folder, 5000);
  events.append({ step: 300, loss: 1.5, phase: 'stable' }, 7000);
  events.append({ step: 301, phase: 'stable' });
  events.close();
  const [version, row, ...rest] = recordsOf(path.join(folder, readdirSync(folder)[0]!));
  expect(rest).toEqual([]);
  expect(version!.readDoubleLE(1)).toBe(5);
  expect(version!.toString('latin1')).toContain('brain.Event:2');
  // wall_time, step 300 as a varint, Summary { Value { tag "loss", simple_value 1.5 } }
  const expected = Buffer.concat([
    Buffer.from([0x09]),
    Buffer.from(new Float64Array([7]).buffer),
    Buffer.from([0x10, 0xac, 0x02, 0x2a, 0x0d, 0x0a, 0x0b, 0x0a, 0x04]),
    Buffer.from('loss'),
    Buffer.from([0x15]),
    Buffer.from(new Float32Array([1.5]).buffer),
  ]);
  expect(row).toEqual(expected);
});

it('a run that goes on writes its events anew, without the steps it does again', () => {
  const file = path.join(root, 'metrics.jsonl');
  const folder = path.join(root, 'mirrored');
  const first = new MetricsWriter(file);
  first.mirror(folder);
  for (const step of [1, 2, 3]) first.append({ step, loss: step });
  first.close();
  const second = new MetricsWriter(file);
  second.rewind((row) => row.step > 2);
  second.mirror(folder);
  second.append({ step: 3, loss: 30 });
  second.close();
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  expect(recordsOf(path.join(folder, names[0]!))).toHaveLength(4);
});
