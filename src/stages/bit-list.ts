/** A growing list of bits, one per document: which documents of a unit no rule dropped. On disk, bit k of byte k >> 3. */
import { readFileSync } from 'node:fs';
import { InputError } from '../core/errors.ts';

export class BitList {
  private bytes: Uint8Array;
  length = 0;

  constructor(bytes: Uint8Array = new Uint8Array(1024), length = 0) {
    this.bytes = bytes;
    this.length = length;
  }

  push(bit: boolean): void {
    const at = this.length++;
    if (at >> 3 >= this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    if (bit) this.bytes[at >> 3]! |= 1 << (at & 7);
  }

  get(at: number): boolean {
    return ((this.bytes[at >> 3]! >> (at & 7)) & 1) === 1;
  }

  clear(at: number): void {
    this.bytes[at >> 3]! &= ~(1 << (at & 7));
  }

  /** Bits that are set. */
  count(): number {
    let set = 0;
    for (let at = 0; at < (this.length + 7) >> 3; at++) {
      for (let byte = this.bytes[at]!; byte !== 0; byte &= byte - 1) set++;
    }
    return set;
  }

  encode(): Uint8Array {
    return this.bytes.slice(0, (this.length + 7) >> 3);
  }
}

/** The bits of a file that should hold `length` of them. */
export function readBitFile(path: string, length: number): BitList {
  const bytes = readFileSync(path);
  if (bytes.length !== (length + 7) >> 3) {
    throw new InputError(path, `has ${bytes.length} bytes; ${length} documents need ${(length + 7) >> 3}`, {
      hint: 'the file is damaged; run the job again, which makes it anew',
    });
  }
  return new BitList(new Uint8Array(bytes), length);
}
