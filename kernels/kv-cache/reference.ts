/** Plain loops of the KV cache: cache (slots, 2, kv_heads, capacity, head_dim), keys then values. */
import type { Buffers, Scalars } from '../kernel.ts';

const unused = 0xffffffff;

/** Puts the keys and values of each row of qkv at (slots[row], positions[row]); slot 0xffffffff is skipped. */
export function appendToCache(b: Buffers, s: Scalars): void {
  const stride = (s.heads! + 2 * s.kv_heads!) * s.head_dim!;
  for (let row = 0; row < s.rows!; row++) {
    const slot = b.slots![row]!;
    const position = b.positions![row]!;
    if (slot === unused || position >= s.capacity!) continue;
    for (let head = 0; head < 2 * s.kv_heads!; head++) {
      for (let i = 0; i < s.head_dim!; i++) {
        b.cache![((slot * 2 * s.kv_heads! + head) * s.capacity! + position) * s.head_dim! + i] =
          b.qkv![row * stride + (s.heads! + head) * s.head_dim! + i]!;
      }
    }
  }
}

/** Copies the first lengths[slot] positions (at most `span`) of prompt source[slot] to each slot. */
export function copySlots(b: Buffers, s: Scalars): void {
  for (let slot = 0; slot < s.slots!; slot++) {
    const prompt = b.source![slot]!;
    if (prompt === unused) continue;
    for (let head = 0; head < 2 * s.kv_heads!; head++) {
      for (let position = 0; position < Math.min(b.lengths![slot]!, s.span!); position++) {
        for (let i = 0; i < s.head_dim!; i++) {
          b.cacheTo![((slot * 2 * s.kv_heads! + head) * s.to_capacity! + position) * s.head_dim! + i] =
            b.cacheFrom![
              ((prompt * 2 * s.kv_heads! + head) * s.from_capacity! + position) * s.head_dim! + i
            ]!;
        }
      }
    }
  }
}
