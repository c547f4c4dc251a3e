/**
 * TensorBoard event files of scalars: records of (length, masked CRC-32C of it, an Event message, masked CRC-32C of that).
 *
 * Only what scalars need of the protocol buffers is written by hand: Event { 1: wall_time double, 2: step int64, 3: file_version, 5: Summary
 * { 1: Value { 1: tag, 2: simple_value float } } }. A run that goes on writes its file anew from metrics.jsonl, so steps that are replayed
 * are not drawn twice. Sources: tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer.cc.
 */
import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricRow } from '../core/record.ts';

export class EventFile {
  private readonly fd: number;

  /** A new event file in `folder`; those that are there are removed. */
  constructor(folder: string, now = Date.now()) {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      if (name.startsWith('events.out.tfevents.')) rmSync(join(folder, name));
    }
    const name = `events.out.tfevents.${String(Math.floor(now / 1000)).padStart(10, '0')}.midtrain`;
    this.fd = openSync(join(folder, name), 'w');
    this.write(Buffer.concat([doubleField(1, now / 1000), bytesField(3, Buffer.from('brain.Event:2'))]));
  }

  /** The numbers of a row at its step; what is not a number is left out. */
  append(row: MetricRow, now = Date.now()): void {
    const values = Object.entries(row).flatMap(([tag, value]) =>
      tag === 'step' || typeof value !== 'number'
        ? []
        : [bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), floatField(2, value)]))],
    );
    if (values.length === 0) return;
    const step = Buffer.concat([Buffer.from([(2 << 3) | 0]), varint(row.step)]);
    this.write(Buffer.concat([doubleField(1, now / 1000), step, bytesField(5, Buffer.concat(values))]));
  }

  close(): void {
    closeSync(this.fd);
  }

  private write(event: Buffer): void {
    appendFileSync(this.fd, frame(event));
  }
}

/** One record of an event file. */
export function frame(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

/** The checksum of a record, as its four bytes. */
export function maskedCrc(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const out = Buffer.alloc(4);
  out.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c >>> 0;
});

/** CRC-32C (Castagnoli), as iSCSI and TensorFlow's records use it. */
export function crc32c(data: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of data) c = crcTable[(c ^ byte) & 255]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function doubleField(field: number, value: number): Buffer {
  const out = Buffer.alloc(9);
  out[0] = (field << 3) | 1;
  out.writeDoubleLE(value, 1);
  return out;
}

function floatField(field: number, value: number): Buffer {
  const out = Buffer.alloc(5);
  out[0] = (field << 3) | 5;
  out.writeFloatLE(value, 1);
  return out;
}

function bytesField(field: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(data.length), data]);
}
