/**
 * TensorBoard event files read back: the scalars of `events.out.tfevents.*`, as this project (tensorboard.ts), PyTorch's SummaryWriter, transformers and
 * TensorFlow 2 write them (a value as `simple_value`, or as a tensor of one number).
 *
 * Records are (length uint64, masked CRC-32C of it, Event, masked CRC-32C of that); a record that is cut short ends the file, as after a kill; one with a
 * wrong checksum is an error. Given up: images, histograms and texts are stepped over, and a run that was restarted keeps the steps that its new
 * file does not have. Sources: tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto, lib/io/record_writer.cc.
 */
import { InputError } from '../core/errors.ts';
import { maskedCrc } from './tensorboard.ts';

export interface LoggedScalar {
  step: number;
  tag: string;
  value: number;
}

/** Whether a file is named as TensorBoard names its event files. */
export function isEventFile(name: string): boolean {
  return /(?:^|[\\/])[^\\/]*tfevents[^\\/]*$/.test(name);
}

/** The scalars of a file's bytes, in the order written. Throws an InputError, naming `file`, where the bytes are no event file. */
export function readEventFile(bytes: Uint8Array, file: string): LoggedScalar[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: LoggedScalar[] = [];
  let at = 0;
  while (at + 12 <= bytes.length) {
    const length = Number(view.getBigUint64(at, true));
    if (checksum(bytes.subarray(at, at + 8)) !== view.getUint32(at + 8, true))
      throw new InputError(file, at === 0 ? 'is no TensorBoard event file' : 'is damaged: a wrong checksum', {
        place: `byte ${at}`,
      });
    const end = at + 12 + length;
    if (end + 4 > bytes.length) break;
    const event = bytes.subarray(at + 12, end);
    if (checksum(event) !== view.getUint32(end, true))
      throw new InputError(file, 'is damaged: a wrong checksum', { place: `byte ${at + 12}` });
    readEvent(event, out);
    at = end + 4;
  }
  return out;
}

function checksum(bytes: Uint8Array): number {
  return maskedCrc(bytes).readUInt32LE();
}

/** A field of a protocol buffer: numbers of fixed width are left as their bytes. */
interface Field {
  number: number;
  varint: bigint;
  bytes: Uint8Array;
}

const none = new Uint8Array(0);

/** The fields of a message; what is cut short or of an unknown kind ends it. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; at < message.length && shift < 70n; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    return BigInt.asUintN(64, value);
  };
  while (at < message.length) {
    const key = varint();
    const number = Number(key >> 3n);
    const kind = Number(key & 7n);
    if (kind === 0) yield { number, varint: varint(), bytes: none };
    else {
      const size = kind === 1 ? 8 : kind === 5 ? 4 : kind === 2 ? Number(varint()) : -1;
      if (size < 0 || at + size > message.length) return;
      yield { number, varint: 0n, bytes: message.subarray(at, at + size) };
      at += size;
    }
  }
}

function readEvent(event: Uint8Array, out: LoggedScalar[]): void {
  let step = 0;
  const summaries: Uint8Array[] = [];
  for (const field of fieldsOf(event)) {
    if (field.number === 2) step = Number(BigInt.asIntN(64, field.varint));
    else if (field.number === 5) summaries.push(field.bytes);
  }
  for (const summary of summaries)
    for (const { number, bytes } of fieldsOf(summary)) {
      const value = number === 1 ? readValue(bytes) : undefined;
      if (value !== undefined) out.push({ step, ...value });
    }
}

/** Summary.Value { 1: tag, 2: simple_value float, 8: tensor }. */
function readValue(message: Uint8Array): { tag: string; value: number } | undefined {
  let tag = '';
  let value: number | undefined;
  for (const { number, bytes } of fieldsOf(message)) {
    if (number === 1) tag = Buffer.from(bytes).toString('utf8');
    else if (number === 2 && bytes.length === 4) value = numberAt(bytes, 1);
    else if (number === 8) value = scalarOf(bytes);
  }
  return value === undefined ? undefined : { tag, value };
}

/** TensorProto { 1: dtype, 4: tensor_content, 5: float_val, 6: double_val, 7: int_val, 10: int64_val } of one number; its types: 1 float, 2 double, 3 int32, 9 int64. */
function scalarOf(tensor: Uint8Array): number | undefined {
  let type = 0;
  let value: number | undefined;
  for (const { number, varint, bytes } of fieldsOf(tensor)) {
    if (number === 1) type = Number(varint);
    else if (number === 4 || number === 5 || number === 6)
      value = numberAt(bytes, number === 6 ? 2 : number === 5 ? 1 : type);
    else if (number === 7 || number === 10) value = wholeOf(varint, bytes);
  }
  return value;
}

/** A whole number, alone or as the only one of a packed list. */
function wholeOf(alone: bigint, packed: Uint8Array): number | undefined {
  if (packed.length === 0) return Number(BigInt.asIntN(64, alone));
  if (packed.length > 10 || packed.findIndex((byte) => byte < 128) !== packed.length - 1) return undefined;
  return Number(
    BigInt.asIntN(
      64,
      packed.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 127), 0n),
    ),
  );
}

function numberAt(bytes: Uint8Array, type: number): number | undefined {
  const size = ({ 1: 4, 2: 8, 3: 4, 9: 8 } as Record<number, number>)[type];
  if (size === undefined || bytes.length !== size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  if (type === 1) return view.getFloat32(0, true);
  if (type === 2) return view.getFloat64(0, true);
  return type === 3 ? view.getInt32(0, true) : Number(view.getBigInt64(0, true));
}
