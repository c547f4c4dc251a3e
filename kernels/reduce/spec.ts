/** Reductions in a fixed order: runs are bit-reproducible on one device (llm.c's deterministic global norm). */
import { defineKernel, floats, gridFor, reads, uints, widthFor, writes } from '../kernel.ts';
import { clipScale, spikeWindow, squareSum, sumParts, weightedSum } from './reference.ts';

/** out (size) [+]= sum of parts (count, size), in order. */
export const sumPartsKernel = defineKernel({
  name: 'sum-parts',
  file: 'reduce/sum-parts.wgsl',
  bindings: [reads('parts', (s) => s.size! * s.count!), writes('out', (s) => s.size!)],
  params: uints('size', 'count', 'accumulate'),
  width: (s) => widthFor(s.size),
  workgroups: (s) => gridFor(s.size! / widthFor(s.size), 64),
  reference: sumParts,
  cases: [
    { size: 1, count: 1, accumulate: 0 },
    { size: 65, count: 3, accumulate: 1 },
    { size: 257, count: 17, accumulate: 0 },
    { size: 260, count: 5, accumulate: 1 },
  ],
  tolerance: 1e-6,
});

/** Elements a workgroup of square-sum takes. */
export const squareSumSpan = 16384;

/** partial[first + g] = square sum of the g-th slice of x (size). */
export const squareSumKernel = defineKernel({
  name: 'square-sum',
  file: 'reduce/square-sum.wgsl',
  bindings: [reads('x', (s) => s.size!), writes('partial', (s) => s.first! + Math.ceil(s.size! / s.span!))],
  params: uints('size', 'span', 'first'),
  width: (s) => widthFor(s.size, s.span),
  workgroups: (s) => [Math.ceil(s.size! / s.span!), 1, 1],
  reference: squareSum,
  cases: [
    { size: 1, span: 64, first: 0 },
    { size: 1000, span: 64, first: 3 },
    { size: 8193, span: 4096, first: 1 },
    { size: 8200, span: 4096, first: 1 },
  ],
  tolerance: 1e-5,
});

/** state (4) = [global norm, clip factor, skip, z] from partial (count) and the norms before. */
export const clipScaleKernel = defineKernel({
  name: 'clip-scale',
  file: 'reduce/clip-scale.wgsl',
  bindings: [
    reads('partial', (s) => s.count!),
    writes('history', () => 1 + spikeWindow),
    writes('state', () => 4),
  ],
  params: [...uints('count'), ...floats('max_norm', 'max_z')],
  workgroups: () => [1, 1, 1],
  reference: clipScale,
  cases: [
    { count: 1, max_norm: 1, max_z: 0, known: 0 },
    { count: 129, max_norm: 100, max_z: 0, known: 5 },
    { count: 129, max_norm: 1, max_z: 3, known: 127 },
    { count: 129, max_norm: 1, max_z: 3, known: 128 },
    { count: 129, max_norm: 1, max_z: 1000, known: 300 },
  ],
  fill: (s, random) => ({
    partial: Float64Array.from({ length: s.count! }, random),
    history: Float64Array.from({ length: 1 + spikeWindow }, (_, i) => (i === 0 ? s.known! : 1 + random())),
  }),
  tolerance: 1e-4,
});

/** out (4) += [loss, entropy, rows, z-loss] over rows of weight other than 0. */
export const weightedSumKernel = defineKernel({
  name: 'weighted-sum',
  file: 'reduce/weighted-sum.wgsl',
  bindings: [
    reads('stats', (s) => s.rows! * 4),
    reads('weights', (s) => s.rows! * 2),
    writes('out', () => 4),
  ],
  params: uints('rows'),
  workgroups: () => [1, 1, 1],
  reference: weightedSum,
  cases: [{ rows: 1 }, { rows: 65 }, { rows: 1000 }],
  tolerance: 1e-5,
});
