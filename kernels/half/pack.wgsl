// y = x rounded to half precision, in pairs: word i holds elements 2 i (low half) and 2 i + 1. To the nearest, ties to even, subnormals
// kept, beyond 65504 infinite, NaN stays NaN: written out in integers because WGSL leaves pack2x16float's rounding and overflow open
// (SwiftShader packs 70000 into a NaN). One thread a word.
struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

fn half_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  // Below 2^-14 adding 0.5 rounds to multiples of 2^-24, a half's subnormal step.
  if (size < 0x38800000u) { return sign | (bitcast<u32>(bitcast<f32>(size) + 0.5) - 0x3f000000u); }
  return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (2u * i >= p.size) { return; }
  var second = 0.0;
  if (2u * i + 1u < p.size) { second = x[2u * i + 1u]; }
  y[i] = half_bits(x[2u * i]) | (half_bits(second) << 16u);
}
