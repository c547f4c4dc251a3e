// y = x rounded to half precision, in pairs: word i holds elements 2 i (low half) and 2 i + 1. One thread a word.
struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (2u * i >= p.size) { return; }
  var second = 0.0;
  if (2u * i + 1u < p.size) { second = x[2u * i + 1u]; }
  y[i] = half_bits(x[2u * i]) | (half_bits(second) << 16u);
}

// include half/half-bits.wgsl
