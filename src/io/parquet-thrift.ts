/**
 * A walk over Thrift compact-protocol bytes that builds nothing: it proves that a footer or page header is well formed before hyparquet
 * parses it. Parsers that trust such bytes can be made to loop or to allocate for ever by a crafted varint or list size; after this walk
 * hyparquet's parser takes time and memory linear in the bytes.
 *
 * Source: Apache Thrift, "Thrift compact protocol encoding". Parquet uses no maps, sets or uuids.
 */

const maxDepth = 32;

/** Offset just behind the struct that starts at `start`; throws an `Error` that says what is wrong and where. `RangeError` = bytes end too soon. */
export function checkThriftStruct(bytes: Uint8Array, start: number, end: number): number {
  const walker = new Walker(bytes, start, Math.min(end, bytes.length));
  walker.struct(0);
  return walker.at;
}

class Walker {
  at: number;
  private readonly bytes: Uint8Array;
  private readonly end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  struct(depth: number): void {
    if (depth > maxDepth)
      throw new Error(`metadata nested deeper than ${maxDepth} levels at byte ${this.at}`);
    for (;;) {
      const byte = this.byte();
      const type = byte & 0x0f;
      if (type === 0) return;
      if (byte >> 4 === 0) this.varint();
      this.value(type, depth, false);
    }
  }

  private value(type: number, depth: number, inList: boolean): void {
    switch (type) {
      case 1:
      case 2:
        if (inList) this.byte();
        return;
      case 3:
        this.byte();
        return;
      case 4:
      case 5:
      case 6:
        this.varint();
        return;
      case 7:
        this.skip(8);
        return;
      case 8:
        this.skip(this.varint());
        return;
      case 9: {
        const head = this.byte();
        const size = head >> 4 === 15 ? this.varint() : head >> 4;
        // Every element takes at least one byte, so a longer list cannot be real.
        if (size > this.end - this.at)
          throw new Error(
            `a list claims ${size} elements, ${this.end - this.at} bytes remain (byte ${this.at})`,
          );
        for (let i = 0; i < size; i++) this.value(head & 0x0f, depth, true);
        return;
      }
      case 12:
        this.struct(depth + 1);
        return;
      default:
        throw new Error(`unknown Thrift type ${type} at byte ${this.at - 1}`);
    }
  }

  private byte(): number {
    if (this.at >= this.end) throw new RangeError(`metadata ends in the middle of a field (byte ${this.at})`);
    return this.bytes[this.at++]!;
  }

  /** The value is only exact below 2^53, which is enough for sizes; ten bytes hold 64 bits. */
  private varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error(`a number longer than 64 bits at byte ${this.at}`);
  }

  private skip(n: number): void {
    if (n > this.end - this.at)
      throw new RangeError(`a field of ${n} bytes, ${this.end - this.at} remain (byte ${this.at})`);
    this.at += n;
  }
}
