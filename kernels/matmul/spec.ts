/**
 * The three matrix products of a linear layer. Weights lie as Hugging Face stores them: (outputs, inputs). Plans name the portable variant;
 * `matmulKernel` gives the same product in another one, which the executable puts in its place (trainer/gpu/tuning.ts).
 */
import { halfWords } from '../half/spec.ts';
import { packHalves } from '../half/values.ts';
import {
  type Binding,
  defineKernel,
  type KernelSpec,
  reads,
  type Scalars,
  uints,
  writes,
} from '../kernel.ts';
import { matmulKey, matmulSource } from './generate.ts';
import { names } from './operands.ts';
import { matmulNn, matmulNt, matmulTn, ofHalves } from './reference.ts';
import { fits, type MatmulOp, portableVariant, type Variant, variantName, workgroupsOf } from './variant.ts';

/** What of a spec a variant decides. */
function computedBy(op: MatmulOp, variant: Variant): Pick<KernelSpec, 'file' | 'source' | 'workgroups'> {
  return {
    file: 'matmul/generate.ts',
    source: {
      key: (s) => matmulKey(op, variant, s),
      text: (s) => matmulSource(op, variant, s),
    },
    workgroups: (s) => workgroupsOf(variant, s),
  };
}

const shapes = [
  { m: 1, n: 1, k: 1 },
  { m: 3, n: 17, k: 5 },
  { m: 17, n: 65, k: 33 },
  { m: 64, n: 64, k: 64 },
  { m: 65, n: 63, k: 257 },
  { m: 257, n: 9, k: 12 },
];

/** Forward of a linear layer: y (m, n) = x (m, k) w (n, k)^T [+ residual (m, n)]. */
export const matmulForward = defineKernel({
  name: 'matmul-forward',
  ...computedBy('nt', portableVariant),
  bindings: [
    reads('x', (s) => s.m! * s.k!),
    reads('w', (s) => s.n! * s.k!),
    reads('residual', (s) => (s.use_residual ? s.m! * s.stride! : 1)),
    writes('y', (s) => s.m! * s.stride!),
  ],
  params: uints('m', 'n', 'k', 'use_residual', 'stride', 'first'),
  reference: matmulNt,
  cases: shapes.flatMap((shape) => [
    { ...shape, use_residual: 0, stride: shape.n, first: 0 },
    { ...shape, use_residual: 1, stride: shape.n + 3, first: 2 },
  ]),
  tolerance: 1e-5,
});

/** Gradient of a linear layer's input: dx (m, n) = dy (m, k) w (k, n), m rows, n inputs, k outputs. */
export const matmulBackwardInput = defineKernel({
  name: 'matmul-backward-input',
  ...computedBy('nn', portableVariant),
  bindings: [
    reads('dy', (s) => s.m! * s.stride!),
    reads('w', (s) => s.k! * s.n!),
    writes('dx', (s) => s.m! * s.n!),
  ],
  params: uints('m', 'n', 'k', 'accumulate', 'stride', 'first'),
  reference: matmulNn,
  cases: shapes.flatMap((shape) => [
    { ...shape, accumulate: 0, stride: shape.k, first: 0 },
    { ...shape, accumulate: 1, stride: shape.k + 5, first: 4 },
  ]),
  tolerance: 1e-5,
});

/** Gradient of a linear layer's weight, in parts: (splits, m, n) of dy (k, m)^T x (k, n), m outputs, n inputs, k rows. */
export const matmulBackwardWeight = defineKernel({
  name: 'matmul-backward-weight',
  ...computedBy('tn', portableVariant),
  bindings: [
    reads('dy', (s) => s.k! * s.stride!),
    reads('x', (s) => s.k! * s.n!),
    writes('parts', (s) => s.splits! * s.m! * s.n!),
  ],
  params: uints('m', 'n', 'k', 'splits', 'accumulate', 'stride', 'first'),
  reference: matmulTn,
  cases: shapes.flatMap((shape) => [
    { ...shape, splits: 1, accumulate: 1, stride: shape.m + 2, first: 1 },
    { ...shape, splits: 3, accumulate: 0, stride: shape.m, first: 0 },
  ]),
  tolerance: 1e-5,
});

/**
 * The same product of operands in halves (packed in pairs in u32 words), summed in f32. Its scalars hold `half: 1`. Gradients come with
 * their `scale` (1), which the result is multiplied by: dy as it is bound is dy / scale.
 */
function inHalves(op: MatmulOp, spec: KernelSpec): KernelSpec {
  const { a, b } = names[op];
  const packed = (binding: Binding): Binding => ({
    ...binding,
    type: 'u32',
    halves: true,
    size: (s) => halfWords(binding.size(s)),
  });
  const bindings = spec.bindings.map((x) => (x.name === a || x.name === b ? packed(x) : x));
  if (op !== 'nt')
    bindings.splice(
      2,
      0,
      reads('scale', () => 1),
    );
  return {
    ...spec,
    name: `${spec.name}-half`,
    bindings,
    reference: ofHalves(spec.reference, a, b),
    cases: spec.cases.map((s) => ({ ...s, half: 1 })),
    fill: (s, random) => ({
      ...Object.fromEntries(
        bindings
          .filter(({ halves }) => halves)
          .map(({ name, size }) => [
            name,
            packHalves(Float64Array.from({ length: size(s) * 2 }, () => random() * 2 - 1)),
          ]),
      ),
      ...(op !== 'nt' && { scale: [0.25] }),
    }),
  };
}

export const matmulForwardHalf = inHalves('nt', matmulForward);
export const matmulBackwardInputHalf = inHalves('nn', matmulBackwardInput);
export const matmulBackwardWeightHalf = inHalves('tn', matmulBackwardWeight);

const portable: Readonly<Record<MatmulOp, readonly [f32: KernelSpec, f16: KernelSpec]>> = {
  nt: [matmulForward, matmulForwardHalf],
  nn: [matmulBackwardInput, matmulBackwardInputHalf],
  tn: [matmulBackwardWeight, matmulBackwardWeightHalf],
};

/** Which product a spec of this file computes, of operands in f32 or in halves; undefined for any other kernel. */
export function matmulOpOf(spec: KernelSpec): MatmulOp | undefined {
  return (Object.keys(portable) as MatmulOp[]).find((op) => portable[op].includes(spec));
}

const made = new Map<string, KernelSpec>();

/** A product computed by a variant; `half`: of operands in halves. Where the variant does not fit the sizes, use the portable one: `fits`. */
export function matmulKernel(op: MatmulOp, variant: Variant, half = false): KernelSpec {
  const name = `${op} ${variantName(variant)}${half ? ' half' : ''}`;
  let spec = made.get(name);
  if (!spec) {
    const base = portable[op][half ? 1 : 0];
    const wide = half ? wideCases(op).map((s) => ({ ...s, half: 1 })) : wideCases(op);
    spec = {
      ...base,
      ...computedBy(op, variant),
      cases: [...base.cases, ...wide].filter((s) => fits(variant, op, s)),
    };
    made.set(name, spec);
  }
  return spec;
}

/** Sizes that fill a subgroup's blocks, or miss them by a little, with every epilogue and both widths of reading. */
function wideCases(op: MatmulOp): Scalars[] {
  const sizes = [
    { m: 7, n: 36, k: 20 },
    { m: 64, n: 100, k: 44 },
    { m: 70, n: 132, k: 72 },
  ];
  return sizes.flatMap(({ m, n, k }): Scalars[] => {
    if (op === 'nt')
      return [
        { m, n, k, use_residual: 1, stride: n, first: 0 },
        { m, n: n - 3, k, use_residual: 1, stride: n + 8, first: 4 },
        { m, n, k, use_residual: 0, stride: n + 7, first: 3 },
      ];
    if (op === 'nn')
      return [
        { m, n, k, accumulate: 1, stride: k + 8, first: 4 },
        { m, n, k: k + 3, accumulate: 0, stride: k + 4, first: 0 },
        { m, n, k: k + 1, accumulate: 1, stride: k + 3, first: 1 },
      ];
    return [
      {
        m: m + (4 - (m % 4)),
        n,
        k: k + 1,
        splits: 3,
        accumulate: 0,
        stride: m + (4 - (m % 4)) + 4,
        first: 4,
      },
      { m, n, k: k + 2, splits: 1, accumulate: 1, stride: m + 2, first: 1 },
      { m, n, k: 3, splits: 3, accumulate: 0, stride: m, first: 0 },
    ];
  });
}
