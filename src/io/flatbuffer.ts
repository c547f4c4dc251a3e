/**
 * Reading FlatBuffers that others wrote, with every offset checked against the buffer before it is followed.
 *
 * Offsets of FlatBuffers only point forwards, so there are no loops, but many fields may point to one table: reading such a buffer as a
 * tree can take exponential time. `visits` bounds the number of tables opened; callers bound the depth.
 * Source: FlatBuffers "Internals" (tables, vtables, vectors).
 */

const maxVisits = 200_000;

/** The bytes of one message and how many tables may still be opened in it. */
export class FlatBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  private visits = maxVisits;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The table that the buffer begins with a reference to. */
  root(): FlatTable {
    return this.tableAt(this.reference(0));
  }

  tableAt(at: number): FlatTable {
    if (--this.visits < 0) throw new Error(`the metadata opens more than ${maxVisits} tables`);
    return new FlatTable(this, at);
  }

  /** Fails unless `[at, at + length)` lies in the buffer. */
  check(at: number, length: number): void {
    if (!(at >= 0 && at + length <= this.bytes.length))
      throw new Error(
        `the metadata points to bytes ${at} to ${at + length}, and it has ${this.bytes.length}`,
      );
  }

  reference(at: number): number {
    this.check(at, 4);
    return at + this.view.getUint32(at, true);
  }

  /** A 64-bit integer as a number; those that a double cannot hold are damage wherever Arrow uses them. */
  int64(at: number): number {
    this.check(at, 8);
    const value = Number(this.view.getBigInt64(at, true));
    if (!Number.isSafeInteger(value)) throw new Error(`the metadata holds the number ${value}`);
    return value;
  }
}

export class FlatTable {
  private readonly buffer: FlatBuffer;
  private readonly at: number;
  private readonly vtable: number;
  private readonly slots: number;
  private readonly size: number;

  constructor(buffer: FlatBuffer, at: number) {
    buffer.check(at, 4);
    this.buffer = buffer;
    this.at = at;
    this.vtable = at - buffer.view.getInt32(at, true);
    buffer.check(this.vtable, 4);
    const bytes = buffer.view.getUint16(this.vtable, true);
    this.size = buffer.view.getUint16(this.vtable + 2, true);
    if (bytes < 4) throw new Error(`the metadata has a table description of ${bytes} bytes`);
    buffer.check(this.vtable, bytes);
    buffer.check(at, Math.max(4, this.size));
    this.slots = (bytes - 4) >> 1;
  }

  /** Where a field of `width` bytes lies, or 0 where it has its default. */
  private field(slot: number, width: number): number {
    if (slot >= this.slots) return 0;
    const offset = this.buffer.view.getUint16(this.vtable + 4 + slot * 2, true);
    if (offset === 0) return 0;
    if (offset + width > this.size) throw new Error('the metadata has a field outside its table');
    return this.at + offset;
  }

  uint8(slot: number, otherwise = 0): number {
    const at = this.field(slot, 1);
    return at === 0 ? otherwise : this.buffer.view.getUint8(at);
  }

  bool(slot: number): boolean {
    return this.uint8(slot) !== 0;
  }

  int16(slot: number, otherwise = 0): number {
    const at = this.field(slot, 2);
    return at === 0 ? otherwise : this.buffer.view.getInt16(at, true);
  }

  int32(slot: number, otherwise = 0): number {
    const at = this.field(slot, 4);
    return at === 0 ? otherwise : this.buffer.view.getInt32(at, true);
  }

  int64(slot: number): number {
    const at = this.field(slot, 8);
    return at === 0 ? 0 : this.buffer.int64(at);
  }

  table(slot: number): FlatTable | undefined {
    const at = this.field(slot, 4);
    return at === 0 ? undefined : this.buffer.tableAt(this.buffer.reference(at));
  }

  string(slot: number): string | undefined {
    const vector = this.vector(slot, 1);
    if (vector === undefined) return undefined;
    const bytes = this.buffer.bytes.subarray(vector.at, vector.at + vector.length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }

  /** A vector of tables. */
  tables(slot: number): FlatTable[] {
    const vector = this.vector(slot, 4);
    if (vector === undefined) return [];
    return Array.from({ length: vector.length }, (_, i) =>
      this.buffer.tableAt(this.buffer.reference(vector.at + i * 4)),
    );
  }

  /** A vector of 32-bit integers. */
  int32s(slot: number): number[] {
    const vector = this.vector(slot, 4);
    if (vector === undefined) return [];
    return Array.from({ length: vector.length }, (_, i) =>
      this.buffer.view.getInt32(vector.at + i * 4, true),
    );
  }

  /** A vector of structs (or 64-bit integers) of `width` bytes; each is read as the 64-bit integers at `offsets` in it. */
  structs(slot: number, width: number, offsets: readonly number[]): Float64Array[] {
    const vector = this.vector(slot, width);
    if (vector === undefined) return offsets.map(() => new Float64Array(0));
    return offsets.map((offset) =>
      Float64Array.from({ length: vector.length }, (_, i) =>
        this.buffer.int64(vector.at + i * width + offset),
      ),
    );
  }

  /** 32-bit integers in a vector of structs. */
  structInt32s(slot: number, width: number, offset: number): number[] {
    const vector = this.vector(slot, width);
    if (vector === undefined) return [];
    return Array.from({ length: vector.length }, (_, i) =>
      this.buffer.view.getInt32(vector.at + i * width + offset, true),
    );
  }

  private vector(slot: number, width: number): { at: number; length: number } | undefined {
    const field = this.field(slot, 4);
    if (field === 0) return undefined;
    const at = this.buffer.reference(field);
    this.buffer.check(at, 4);
    const length = this.buffer.view.getUint32(at, true);
    this.buffer.check(at + 4, length * width);
    return { at: at + 4, length };
  }
}
