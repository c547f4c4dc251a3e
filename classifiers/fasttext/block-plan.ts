/**
 * The one block of memory that a model lies in: sections are placed one after the other, then the block is allocated, with 64-bit
 * addresses when it is larger than 4 GiB.
 */
import type { Section } from './model-data.ts';

const pageBytes = 65_536;

export class BlockPlan {
  #bytes = 0;

  /** The next `length` elements of `bytes` bytes each, from a multiple of 16 on. */
  readonly place = (length: number, bytes: number): Section => {
    const offset = this.#bytes;
    this.#bytes = Math.ceil((offset + length * bytes) / 16) * 16;
    return { offset, length };
  };

  /** What to say when `allocate` gave nothing. */
  get refusal(): string {
    return `needs ${Math.ceil(this.#bytes / 2 ** 20)} MiB of memory, which this machine does not give`;
  }

  /** The block, all zeros; undefined when the machine does not give that much. */
  allocate(shared: boolean): { memory: WebAssembly.Memory; wide: boolean } | undefined {
    const pages = Math.ceil(this.#bytes / pageBytes);
    const wide = pages > 65_536;
    const descriptor = wide
      ? { initial: BigInt(pages), maximum: BigInt(pages), shared, address: 'i64' }
      : { initial: pages, maximum: pages, shared };
    try {
      // The type declarations do not know 64-bit memories yet.
      return { memory: new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor), wide };
    } catch {
      return undefined;
    }
  }
}
