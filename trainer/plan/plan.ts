/**
 * A static plan of GPU work: tensors and the kernels that run over them, recorded once, pure data.
 *
 * A `Plan` holds named programs (say `forward`, `optimizer`); each is a list of operations in order. Shapes are known, so where every
 * activation lies (memory-plan.ts), every bind group and every pipeline (executable.ts) are made once and replayed each step; what
 * changes from step to step (tokens, learning rate) is data in buffers. The same plan runs on the CPU by the kernels' references in
 * double precision (reference-executor.ts), which is how the whole model is checked.
 */
import type { KernelSpec, Scalars } from '../../kernels/kernel.ts';
import { invariant } from '../../src/core/errors.ts';

/**
 * - `persistent`: lives across programs and steps (weights, moments, the KV cache, inputs written from the CPU).
 * - `activation`: lives within one program between its first and last use; shares memory with others.
 * - `external`: a buffer made elsewhere (another plan's weights), handed in when the plan is bound.
 */
export type TensorKind = 'persistent' | 'activation' | 'external';

export interface Tensor {
  readonly id: number;
  readonly name: string;
  /** Elements of 4 bytes. */
  readonly size: number;
  readonly type: 'f32' | 'u32';
  readonly kind: TensorKind;
  /** A window into another tensor, `offset` elements in; offsets are multiples of 64 (WebGPU binds at 256 bytes). */
  readonly view?: { readonly of: Tensor; readonly offset: number };
  /**
   * Of a weight: the same values rounded to halves, in pairs in u32 words, kept up to date by whoever writes the weight. Products take
   * their operands in f16 where a weight has one (model/linear.ts).
   */
  readonly half?: Tensor;
}

export interface Operation {
  readonly kernel: KernelSpec;
  /** In the order of the kernel's bindings. */
  readonly tensors: readonly Tensor[];
  readonly scalars: Scalars;
}

export interface Plan {
  readonly tensors: readonly Tensor[];
  readonly programs: Readonly<Record<string, readonly Operation[]>>;
}

/** Elements that a window's offset must be a multiple of: 256 bytes, the largest alignment any adapter asks for. */
export const windowAlignment = 64;

/** The tensor that owns the memory of `tensor`, and where in it. */
export function rootOf(tensor: Tensor): { root: Tensor; offset: number } {
  let root = tensor;
  let offset = 0;
  while (root.view) {
    offset += root.view.offset;
    root = root.view.of;
  }
  return { root, offset };
}

/** Records tensors and operations. Misuse (a wrong size, a buffer bound twice) throws at once, long before a GPU is asked. */
export class PlanBuilder {
  private readonly tensors: Tensor[] = [];
  private readonly programs: Record<string, Operation[]> = {};
  private current: Operation[] | undefined;
  private readonly derived = new Map<Tensor, unknown>();

  tensor(name: string, size: number, kind: TensorKind = 'activation', type: 'f32' | 'u32' = 'f32'): Tensor {
    invariant(Number.isInteger(size) && size > 0, `tensor ${name} has size ${size}`);
    const tensor: Tensor = { id: this.tensors.length, name, size, type, kind };
    this.tensors.push(tensor);
    return tensor;
  }

  /** A window of `size` elements at `offset` of `of`; `half`: of a weight, its rounded copy. */
  view(of: Tensor, name: string, offset: number, size: number, half?: Tensor): Tensor {
    invariant(
      offset % windowAlignment === 0,
      `window ${name} starts at ${offset}, not a multiple of ${windowAlignment}`,
    );
    invariant(offset + size <= of.size, `window ${name} ends at ${offset + size} of ${of.name}'s ${of.size}`);
    invariant(!half || half.size * 2 >= size, `${half?.name} holds ${name}`);
    const tensor: Tensor = {
      id: this.tensors.length,
      name,
      size,
      type: of.type,
      kind: of.kind,
      view: { of, offset },
      ...(half && { half }),
    };
    this.tensors.push(tensor);
    return tensor;
  }

  /** What `make` records from the values of x, such as a rounded copy: recorded once as long as nothing writes to x. */
  derive<T>(x: Tensor, make: () => T): T {
    if (!this.derived.has(x)) this.derived.set(x, make());
    return this.derived.get(x) as T;
  }

  /** Operations recorded from now on belong to program `name`. */
  program(name: string): void {
    this.derived.clear();
    this.current = this.programs[name] ??= [];
  }

  /** Records one dispatch. `bound` names a tensor for every binding of the kernel. */
  run(kernel: KernelSpec, bound: Readonly<Record<string, Tensor>>, scalars: Scalars): void {
    invariant(this.current, 'call program() before run()');
    const tensors = kernel.bindings.map((binding) => {
      const tensor = bound[binding.name];
      invariant(tensor, `${kernel.name}: nothing bound to ${binding.name}`);
      invariant(
        tensor.type === binding.type,
        `${kernel.name}: ${binding.name} is ${binding.type}, ${tensor.name} is ${tensor.type}`,
      );
      const needed = binding.size(scalars);
      invariant(
        tensor.size >= needed,
        `${kernel.name}: ${binding.name} needs ${needed} elements, ${tensor.name} has ${tensor.size}`,
      );
      return tensor;
    });
    // WebGPU forbids one buffer bound for reading and for writing in one dispatch, even in disjoint windows.
    kernel.bindings.forEach((binding, i) => {
      if (binding.access !== 'read_write') return;
      const root = rootOf(tensors[i]!).root;
      for (const x of this.derived.keys()) if (rootOf(x).root === root) this.derived.delete(x);
      tensors.forEach((other, j) => {
        invariant(
          i === j || rootOf(other).root !== root,
          `${kernel.name}: ${binding.name} and ${kernel.bindings[j]!.name} share a buffer`,
        );
      });
    });
    const extra = Object.keys(bound).find((name) => !kernel.bindings.some((b) => b.name === name));
    invariant(extra === undefined, `${kernel.name} has no binding ${extra}`);
    this.current.push({ kernel, tensors, scalars });
  }

  finish(): Plan {
    return { tensors: this.tensors, programs: this.programs };
  }
}
