/** Where requests go: prefixes are found, copied in an order in which they are there, and never more than one request gets a slot. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { type Placement, SlotTable } from '../../trainer/sampler/slot-table.ts';

const prompt = (length: number, first = 1) => Array.from({ length }, (_, i) => (i === 0 ? first : 100 + i));

describe('the slot table', () => {
  it('computes a group of samples once and copies the rest', () => {
    const table = new SlotTable(4);
    table.beginRound();
    const placed = [0, 1, 2].map(() => table.place(prompt(10)));
    expect(placed.map((p) => [p!.from, p!.reused, p!.wave])).toEqual([
      [undefined, 0, 0],
      [placed[0]!.slot, 9, 1],
      [placed[0]!.slot, 9, 1],
    ]);
    expect(table.free).toBe(1);
    expect(table.place(prompt(5, 2))!.reused).toBe(0);
    expect(table.place(prompt(5, 2))).toBeUndefined();
  });

  it('goes on in the slot that holds a conversation, its answer included', () => {
    const table = new SlotTable(2);
    table.beginRound();
    const first = table.place(prompt(20))!;
    const other = table.place(prompt(20, 2))!;
    table.extend(first.slot, [prompt(20).at(-1)!, 7, 8]);
    table.release(first.slot);
    table.release(other.slot);
    table.beginRound();
    const next = table.place([...prompt(20), 7, 8, 9, 9])!;
    expect(next).toEqual({ slot: first.slot, from: undefined, reused: 22, wave: 0 });
    table.release(next.slot);
    table.forget();
    table.beginRound();
    expect(table.place(prompt(20))!.reused).toBe(0);
  });

  it('computes everything again for those who ask, and short prefixes rather than copy them', () => {
    const table = new SlotTable(3);
    table.beginRound();
    table.place(prompt(30));
    expect(table.place(prompt(30), false)!.reused).toBe(0);
    expect(table.place([...prompt(10), 1, 2, 3])!.from).toBeUndefined();
  });

  it('always leaves a slot with the prompt it was placed with, whatever was placed together', () => {
    const random = new Random(4);
    for (let run = 0; run < 50; run++) {
      const count = 1 + random.int(6);
      const table = new SlotTable(count);
      /** What each slot would hold on the device. */
      const device: number[][] = Array.from({ length: count }, () => []);
      const busy: { slot: number; prompt: number[] }[] = [];
      for (let round = 0; round < 20; round++) {
        while (busy.length > 0 && random.int(2) === 0) {
          const [one] = busy.splice(random.int(busy.length), 1);
          table.release(one!.slot);
        }
        table.beginRound();
        const placed: { placement: Placement; prompt: number[] }[] = [];
        for (let i = random.int(5); i >= 0; i--) {
          // Two families of long prompts that branch in two places.
          const asked = [
            ...prompt(20, 1 + random.int(2)),
            ...prompt(1 + random.int(20), random.int(3)),
            random.int(3),
          ];
          const placement = table.place(asked);
          if (placement) placed.push({ placement, prompt: asked });
        }
        const waves = Math.max(0, ...placed.map(({ placement }) => placement.wave + 1));
        for (let wave = 0; wave < waves; wave++) {
          const now = placed.filter(({ placement }) => placement.wave === wave);
          const copiedTo = new Set(
            now.filter(({ placement }) => placement.from !== undefined).map((p) => p.placement.slot),
          );
          for (const { placement } of now) {
            if (placement.from === undefined) continue;
            expect(copiedTo.has(placement.from)).toBe(false);
            device[placement.slot] = device[placement.from]!.slice(0, placement.reused);
          }
          for (const { placement, prompt: asked } of now) {
            const kept = device[placement.slot]!.slice(0, placement.reused);
            expect(kept).toHaveLength(placement.reused);
            device[placement.slot] = [...kept, ...asked.slice(placement.reused, -1)];
          }
        }
        for (const { placement, prompt: asked } of placed) {
          expect(device[placement.slot]).toEqual(asked.slice(0, -1));
          expect(busy.some(({ slot }) => slot === placement.slot)).toBe(false);
          busy.push({ slot: placement.slot, prompt: asked });
        }
        for (const { slot, prompt: asked } of busy) expect(device[slot]).toEqual(asked.slice(0, -1));
      }
    }
  });
});
