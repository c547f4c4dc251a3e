/**
 * Which variant computes which matrix product, and which attention, on a device: what was measured (autotune.ts) and kept in the cache
 * folder, what a run recorded, or the default of the kernels' variant.ts. Choosing is a pure function of that table, the adapter and the sizes.
 *
 * A run takes the table as it is when it begins and writes it to run.json and its checkpoints (`usedKernels`); a resumed run takes the
 * checkpoint's (`adoptKernels`) and never looks at the cache, so a table that changes between changes nothing. Of one precision all variants
 * give the same bits on one adapter anyway, but those on subgroup matrices and those of attention; whether operands are f32 or f16 is no
 * choice made here.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { attentionKernel, attentionOpOf } from '../../kernels/attention/spec.ts';
import { type AttentionOp, attentionVariantName } from '../../kernels/attention/variant.ts';
import type { KernelSpec, Scalars } from '../../kernels/kernel.ts';
import { generatorVersion } from '../../kernels/matmul/generate.ts';
import { matmulKernel, matmulOpOf } from '../../kernels/matmul/spec.ts';
import {
  type AdapterTraits,
  canRun,
  defaultVariant,
  fits,
  type MatmulOp,
  parseVariant,
  portableVariant,
  type Variant,
  variantName,
} from '../../kernels/matmul/variant.ts';
import { writeFileAtomicSync } from '../../src/io/atomic.ts';
import { packageVersions } from '../../src/io/package-root.ts';
import { attentionClass, chooseAttention, isAttentionOp } from './attention-tuning.ts';
import type { Gpu } from './device.ts';
import { cacheFolder } from './find-adapter.ts';

/** Variants by class of product; what a run records. */
export const kernelChoicesSchema = z.strictObject({
  /** The adapter they were chosen on. */
  adapter: z.string(),
  generator: z.int(),
  variants: z.record(z.string(), z.string()),
});
export type KernelChoices = z.output<typeof kernelChoicesSchema>;

/** What a table in the cache folder holds: choices, and GFLOP/s of every variant that was measured. */
const tableSchema = kernelChoicesSchema.extend({
  dawn: z.string(),
  measured: z.record(z.string(), z.record(z.string(), z.number())),
});
export type TuningTable = z.output<typeof tableSchema>;

/**
 * Products of one op whose m, n and k have the same number of bits are one class: `nt m7 n10 k10` has m in 65 .. 128. Those of operands in
 * f16 are classes of their own, `nt m7 n10 k10 f16`.
 */
export function productClass(op: MatmulOp | AttentionOp, s: Scalars): string {
  if (isAttentionOp(op)) return attentionClass(op, s);
  const bits = (x: number): number => Math.ceil(Math.log2(Math.max(1, x)));
  return `${op} m${bits(s.m!)} n${bits(s.n!)} k${bits(s.k!)}${s.half === 1 ? ' f16' : ''}`;
}

/** The variant for a product: the table's where it has one that this adapter can run at these sizes, else the default. */
export function chooseVariant(
  choices: Pick<KernelChoices, 'variants'> | undefined,
  traits: AdapterTraits,
  op: MatmulOp,
  s: Scalars,
): Variant {
  const named = parseVariant(choices?.variants[productClass(op, s)] ?? '');
  if (named === undefined || !canRun(named, traits)) return defaultVariant(traits, op, s);
  return fits(named, op, s) ? named : portableVariant;
}

/** What of a device decides which variants it can run. */
export function traitsOf(gpu: Gpu): AdapterTraits {
  const { features, limits, software } = gpu.info;
  const { subgroupMinSize, subgroupMaxSize } = gpu.device.adapterInfo;
  return {
    software,
    ...(features.includes('subgroups') && subgroupMinSize === subgroupMaxSize
      ? { subgroupSize: subgroupMinSize }
      : {}),
    f16: features.includes('shader-f16'),
    matrices: gpu.info.matrices,
    workgroupBytes: limits.maxComputeWorkgroupStorageSize ?? 16384,
    workgroupThreads: limits.maxComputeInvocationsPerWorkgroup ?? 256,
  };
}

interface InUse {
  readonly choices: KernelChoices | undefined;
  readonly traits: AdapterTraits;
  /** Variant of every class that an executable asked for. */
  readonly used: Map<string, string>;
}

const inUse = new WeakMap<GPUDevice, InUse>();

function stateOf(gpu: Gpu): InUse {
  let state = inUse.get(gpu.device);
  if (!state) {
    state = { choices: readTable(gpu), traits: traitsOf(gpu), used: new Map() };
    inUse.set(gpu.device, state);
  }
  return state;
}

/**
 * Begins a run on a device: executables made from now on take these choices, such as a checkpoint's. Without, those of the table in the
 * cache folder as it is now.
 */
export function adoptKernels(gpu: Gpu, choices: KernelChoices | undefined = readTable(gpu)): void {
  inUse.set(gpu.device, { choices, traits: traitsOf(gpu), used: new Map() });
}

/** What the executables made since `adoptKernels` run, with the choices that they were made from; to be written with the run. */
export function usedKernels(gpu: Gpu): KernelChoices {
  const { choices, used } = stateOf(gpu);
  const variants = { ...choices?.variants, ...Object.fromEntries(used) };
  return {
    adapter: choices?.adapter ?? adapterName(gpu),
    generator: choices?.generator ?? generatorVersion,
    variants: Object.fromEntries(Object.entries(variants).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The kernel that computes `spec` for these sizes on this device: itself, unless it is a matrix product or attention. */
export function kernelFor(gpu: Gpu, spec: KernelSpec, scalars: Scalars): KernelSpec {
  const attention = attentionOpOf(spec);
  if (attention !== undefined) {
    const { choices, traits, used } = stateOf(gpu);
    const variant = chooseAttention(choices, traits, attention, scalars);
    used.set(attentionClass(attention, scalars), attentionVariantName(variant));
    return attentionKernel(attention, variant);
  }
  const op = matmulOpOf(spec);
  if (op === undefined) return spec;
  const { choices, traits, used } = stateOf(gpu);
  const variant = chooseVariant(choices, traits, op, scalars);
  // Sizes that a class's variant cannot do are no choice of the class.
  const name = productClass(op, scalars);
  if (!used.has(name) || variant !== portableVariant) used.set(name, variantName(variant));
  return matmulKernel(op, variant, scalars.half === 1);
}

/** Driver and device in words, as Dawn gives them. */
export function adapterName(gpu: Gpu): string {
  const { vendor, architecture, device, description } = gpu.device.adapterInfo;
  return [vendor, architecture, device, description].filter((part) => part !== '').join(', ');
}

/** Where the table of this adapter, this Dawn and this generator lies. */
export function tableFile(gpu: Gpu): string {
  const key = `${adapterName(gpu)}|${dawnVersion()}|${generatorVersion}`;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return path.join(cacheFolder(), 'kernels', `${hash}.json`);
}

/** What was measured on this adapter; undefined when nothing was, or the file is not one that this version wrote. */
export function readTable(gpu: Gpu): TuningTable | undefined {
  try {
    const table = tableSchema.parse(JSON.parse(readFileSync(tableFile(gpu), 'utf8')));
    const fresh =
      table.adapter === adapterName(gpu) &&
      table.dawn === dawnVersion() &&
      table.generator === generatorVersion;
    return fresh ? table : undefined;
  } catch {
    // A cache: what cannot be read is measured again.
    return undefined;
  }
}

/** Adds what was measured to the table on disk. Two processes at once: the later one wins, and either file is whole. */
export function writeTable(gpu: Gpu, measured: TuningTable['measured']): TuningTable {
  const known = readTable(gpu);
  const all = { ...known?.measured, ...measured };
  const table: TuningTable = {
    adapter: adapterName(gpu),
    dawn: dawnVersion(),
    generator: generatorVersion,
    variants: { ...known?.variants, ...fastest(measured) },
    measured: all,
  };
  writeFileAtomicSync(tableFile(gpu), `${JSON.stringify(table, null, 2)}\n`);
  return table;
}

/** The fastest variant of each class; of equals the first by name. */
export function fastest(measured: TuningTable['measured']): Record<string, string> {
  const best = Object.entries(measured).flatMap(([name, speeds]) => {
    const [first] = Object.entries(speeds).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return first ? [[name, first[0]] as const] : [];
  });
  return Object.fromEntries(best);
}

function dawnVersion(): string {
  return packageVersions(['webgpu']).webgpu ?? 'unknown';
}
