/** Which variant of each class of work a plan would take on a device, and why: for people, before a run. What a run took stands in its run.json. */
import { attentionVariantName } from '../../kernels/attention/variant.ts';
import { type AdapterTraits, variantName } from '../../kernels/matmul/variant.ts';
import type { Plan } from '../plan/plan.ts';
import { chooseAttention, isAttentionOp } from './attention-tuning.ts';
import { type Product, workOf } from './autotune.ts';
import { chooseVariant, productClass, type TuningTable } from './tuning.ts';

export interface KernelUse {
  /** As in the tuning table: `nt m10 n10 k10` has m in 513 .. 1024. */
  class: string;
  /** One of the class, with its sizes. */
  product: Product;
  /** Of the arithmetic of all products and attentions of the plan. */
  share: number;
  variant: string;
  /** Measured on this adapter by the autotuner, or the default of the kernel's folder. */
  from: 'measured' | 'default';
  /** Speed of that variant when it was measured. */
  gflops?: number;
}

/** The products and attentions of a plan by class, those with the most work first. */
export function kernelsOfPlan(
  plan: Plan,
  traits: AdapterTraits,
  table: TuningTable | undefined,
): KernelUse[] {
  const found = workOf(plan);
  const total = found.reduce((sum, { work }) => sum + work, 0);
  return found.map(({ product, work }) => {
    const { op, ...sizes } = product;
    const scalars = sizes as Readonly<Record<string, number>>;
    const name = productClass(op, scalars);
    const variant = isAttentionOp(op)
      ? attentionVariantName(chooseAttention(table, traits, op, scalars))
      : variantName(chooseVariant(table, traits, op, scalars));
    const gflops = table?.measured[name]?.[variant];
    const measured = table?.variants[name] === variant;
    return {
      class: name,
      product,
      share: work / total,
      variant,
      from: measured ? ('measured' as const) : ('default' as const),
      ...(measured && gflops !== undefined ? { gflops } : {}),
    };
  });
}
