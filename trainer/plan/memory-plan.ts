/**
 * Where activations lie: two activations whose lifetimes within a program do not overlap share a buffer. Greedy by size (the
 * static planner of TensorFlow Lite; Pisarchyk and Lee 2020). Each slot is a GPU buffer of its own, because WebGPU refuses one buffer
 * bound for reading and for writing in a dispatch. Pure: `--dry-run` prints it, tests compare it with what is allocated.
 */
import { type Plan, rootOf, type Tensor } from './plan.ts';

export interface MemoryPlan {
  /** Slot of each activation that owns memory. */
  readonly slotOf: ReadonlyMap<Tensor, number>;
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  readonly activationBytes: number;
  /** What activations would take without sharing. */
  readonly unsharedBytes: number;
  readonly persistentBytes: number;
  readonly largestBuffer: number;
}

interface Lifetime {
  tensor: Tensor;
  program: string;
  first: number;
  last: number;
}

const bytesOf = (tensor: Tensor) => Math.max(16, tensor.size * 4);

export function planMemory(plan: Plan): MemoryPlan {
  const lifetimes = lifetimesOf(plan).sort(
    (a, b) => b.tensor.size - a.tensor.size || a.tensor.id - b.tensor.id,
  );
  const slots: { bytes: number; held: Lifetime[] }[] = [];
  const slotOf = new Map<Tensor, number>();
  for (const life of lifetimes) {
    let at = slots.findIndex((slot) => slot.held.every((other) => !overlap(life, other)));
    if (at === -1) {
      at = slots.length;
      slots.push({ bytes: 0, held: [] });
    }
    const slot = slots[at]!;
    slot.held.push(life);
    slot.bytes = Math.max(slot.bytes, bytesOf(life.tensor));
    slotOf.set(life.tensor, at);
  }
  const persistent = plan.tensors.filter((t) => t.kind === 'persistent' && !t.view);
  const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const slotBytes = slots.map((slot) => slot.bytes);
  return {
    slotOf,
    slots: slotBytes,
    activationBytes: total(slotBytes),
    unsharedBytes: total(lifetimes.map((life) => bytesOf(life.tensor))),
    persistentBytes: total(persistent.map(bytesOf)),
    largestBuffer: Math.max(0, ...slotBytes, ...persistent.map(bytesOf)),
  };
}

function overlap(a: Lifetime, b: Lifetime): boolean {
  return a.program === b.program && a.first <= b.last && b.first <= a.last;
}

/** First and last operation that touches each activation. An activation belongs to one program. */
function lifetimesOf(plan: Plan): Lifetime[] {
  const found = new Map<Tensor, Lifetime>();
  for (const [program, operations] of Object.entries(plan.programs)) {
    operations.forEach((operation, index) => {
      for (const tensor of operation.tensors) {
        const { root } = rootOf(tensor);
        if (root.kind !== 'activation') continue;
        const life = found.get(root);
        if (!life) found.set(root, { tensor: root, program, first: index, last: index });
        else if (life.program !== program)
          throw new Error(`activation ${root.name} is used by ${life.program} and ${program}`);
        else life.last = index;
      }
    });
  }
  return [...found.values()];
}
