/**
 * Writes the WGSL of attention from a variant: what variants share; subgroup.ts and tile.ts write the bodies. When the text of a variant
 * changes, raise `generatorVersion` of matmul/generate.ts: what was measured and stored for another version is then not used.
 */
import type { Scalars } from '../kernel.ts';
import { subgroupBody } from './subgroup.ts';
import { tileBody } from './tile.ts';
import { type AttentionOp, attentionVariantName, type SubgroupVariant, type TileVariant } from './variant.ts';

/** What tells two texts of one op apart. */
export function attentionKey(op: AttentionOp, variant: SubgroupVariant | TileVariant, s: Scalars): string {
  return `${op}-${attentionVariantName(variant)}-d${s.head_dim}${s.use_softcap ? '-cap' : ''}`;
}

/** The whole shader for an op; of `s` only `head_dim` and `use_softcap` decide it. */
export function attentionSource(op: AttentionOp, variant: SubgroupVariant | TileVariant, s: Scalars): string {
  const softcap = s.use_softcap !== 0;
  const vec4s = 'array<vec4<f32>>';
  const buffers = [
    `var<storage, read> qkv: ${vec4s};`,
    'var<storage, read> kvStart: array<u32>;',
    ...(op === 'forward'
      ? [`var<storage, read_write> o: ${vec4s};`, 'var<storage, read_write> lse: array<f32>;']
      : [
          'var<storage, read> lse: array<f32>;',
          `var<storage, read> dOut: ${vec4s};`,
          'var<storage, read> delta: array<f32>;',
          `var<storage, read_write> dQkv: ${vec4s};`,
        ]),
    'var<uniform> p: Params;',
  ];
  const lines = [
    `// Written by kernels/attention/generate.ts: ${attentionKey(op, variant, s)}`,
    ...(variant.kind === 'subgroup' ? ['enable subgroups;', 'diagnostic(off, subgroup_uniformity);'] : []),
    'struct Params { batch: u32, seq: u32, heads: u32, kv_heads: u32, window: u32, scale: f32, softcap: f32 }',
    ...buffers.map((buffer, i) => `@group(0) @binding(${i}) ${buffer}`),
    // The first key a row may look at: its document's first, or the first inside the sliding window (window = 0: none).
    'fn firstKey(begin: u32, t: u32) -> u32 {',
    '  return select(begin, max(begin, t + 1u - min(p.window, t + 1u)), p.window != 0u);',
    '}',
    ...(softcap
      ? [
          'fn softCap(x: vec4<f32>) -> vec4<f32> {',
          '  return p.softcap * tanh(clamp(x / p.softcap, vec4<f32>(-15.0), vec4<f32>(15.0)));',
          '}',
          'fn capSlope(capped: vec4<f32>) -> vec4<f32> { return 1.0 - (capped / p.softcap) * (capped / p.softcap); }',
        ]
      : []),
    ...(variant.kind === 'subgroup'
      ? subgroupBody(op, variant, s.head_dim!, softcap)
      : tileBody(op, variant, s.head_dim!, softcap)),
  ];
  return `${lines.join('\n')}\n`;
}
