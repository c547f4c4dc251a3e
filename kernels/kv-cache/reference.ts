/** Plain loops of the KV cache: cache (slots, capacity, 2, kv_heads, head_dim), keys then values. */
import { capLogit } from '../cross-entropy/reference.ts';
import type { Buffers, Scalars } from '../kernel.ts';

const unused = 0xffffffff;

/** Rotates queries and keys of each row of qkv, and puts keys and values at (slots[row], positions[row]); slot 0xffffffff is skipped. */
export function appendToCache(b: Buffers, s: Scalars): void {
  const {
    heads,
    kv_heads: kvHeads,
    half,
  } = s as Record<string, number> as {
    heads: number;
    kv_heads: number;
    half: number;
  };
  const width = 2 * half;
  for (let row = 0; row < s.rows!; row++) {
    const slot = b.slots![row]!;
    const position = b.positions![row]!;
    if (slot === unused || position >= s.capacity!) continue;
    for (let head = 0; head < heads + 2 * kvHeads; head++) {
      for (let i = 0; i < half; i++) {
        const lo = (row * (heads + 2 * kvHeads) + head) * width + i;
        let [x, y] = [b.qkv![lo]!, b.qkv![lo + half]!];
        if (head < heads + kvHeads) {
          const c = b.table![(position * half + i) * 2]!;
          const sine = b.table![(position * half + i) * 2 + 1]!;
          [x, y] = [x * c - y * sine, y * c + x * sine];
        }
        const at = ((slot * s.capacity! + position) * 2 * kvHeads + head - heads) * width + i;
        const [to, place] = head < heads ? [b.qkv!, lo] : [b.cache!, at];
        to[place] = x;
        to[place + half] = y;
      }
    }
  }
}

/** Softmax attention of each row over positions 0 .. positions[row] of its slot, or the window that ends there. */
export function attendCache(b: Buffers, s: Scalars): void {
  const {
    heads,
    kv_heads: kvHeads,
    head_dim: width,
    capacity,
    window,
    scale,
    softcap,
  } = s as Record<string, number> as Record<
    'heads' | 'kv_heads' | 'head_dim' | 'capacity' | 'window' | 'scale' | 'softcap',
    number
  >;
  for (let row = 0; row < s.rows!; row++) {
    const slot = b.slots![row]!;
    if (slot === unused) continue;
    const last = Math.min(b.positions![row]!, capacity - 1);
    const begin = window === 0 ? 0 : Math.max(0, last + 1 - window);
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const key = (position: number) => ((slot * capacity + position) * 2 * kvHeads + kvHead) * width;
      const q = (row * (heads + 2 * kvHeads) + head) * width;
      const scores = Array.from({ length: last + 1 - begin }, (_, u) => {
        let dot = 0;
        for (let i = 0; i < width; i++) dot += b.qkv![q + i]! * b.cache![key(begin + u) + i]!;
        return capLogit(dot * scale, softcap).value;
      });
      const max = Math.max(...scores);
      const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
      for (let i = 0; i < width; i++) {
        let total = 0;
        scores.forEach((score, u) => {
          total += (Math.exp(score - max) / sum) * b.cache![key(begin + u) + kvHeads * width + i]!;
        });
        b.o![(row * heads + head) * width + i] = total;
      }
    }
  }
}

/** Copies the first lengths[slot] positions of slot source[slot] to each slot that names one. */
export function copySlots(b: Buffers, s: Scalars): void {
  const size = s.capacity! * s.width!;
  for (let slot = 0; slot < s.slots!; slot++) {
    const from = b.source![slot]!;
    if (from === unused) continue;
    const count = Math.min(b.lengths![slot]!, s.capacity!) * s.width!;
    for (let i = 0; i < count; i++) b.cache![slot * size + i] = b.cache![from * size + i]!;
  }
}
