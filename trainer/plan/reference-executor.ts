/**
 * Runs a plan on the CPU by the kernels' plain-loop references, in double precision: the oracle for the whole model. Activations do
 * not share memory here, so a lifetime that the memory planner got wrong shows up as a difference.
 */
import { invariant } from '../../src/core/errors.ts';
import { type Plan, rootOf, type Tensor } from './plan.ts';

export class ReferenceExecutor {
  private readonly plan: Plan;
  private readonly arrays = new Map<Tensor, Float64Array | Uint32Array>();

  constructor(plan: Plan) {
    this.plan = plan;
    for (const tensor of plan.tensors) {
      if (!tensor.view)
        this.arrays.set(
          tensor,
          tensor.type === 'u32' ? new Uint32Array(tensor.size) : new Float64Array(tensor.size),
        );
    }
  }

  /** The values of a tensor, live. */
  values(tensor: Tensor): Float64Array | Uint32Array {
    const { root, offset } = rootOf(tensor);
    const array = this.arrays.get(root);
    invariant(array, `no tensor ${tensor.name}`);
    return array.subarray(offset, offset + tensor.size);
  }

  write(tensor: Tensor, values: ArrayLike<number>): void {
    this.values(tensor).set(values);
  }

  run(...programs: string[]): void {
    for (const program of programs) {
      for (const { kernel, tensors, scalars } of this.plan.programs[program] ?? []) {
        kernel.reference(
          Object.fromEntries(kernel.bindings.map((b, i) => [b.name, this.values(tensors[i]!)])),
          scalars,
        );
      }
    }
  }
}
