// y = x * s rounded to half precision in pairs (pack.wgsl), scale[0] = 1 / s: s is the power of two that brings the largest |x| into
// 2^14 .. 2^15. Gradients so small that halves would flush them to zero keep their 11 bits, 39 powers of two below the largest one, and
// nothing overflows. parts (64): largest magnitudes, as bits, from largest.wgsl. With an x that is not finite s is 1, so that it shows.
// One thread a word.
struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> parts: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

var<workgroup> tree: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) gid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  tree[lane] = parts[lane];
  workgroupBarrier();
  for (var step = 32u; step > 0u; step = step / 2u) {
    if (lane < step) { tree[lane] = max(tree[lane], tree[lane + step]); }
    workgroupBarrier();
  }
  // Exponents with their bias: 2^14 / 2^e, at most 2^126 so that its reciprocal is a normal number too.
  let e = tree[0] >> 23u;
  var s = 127u;
  if (tree[0] != 0u && e < 255u) { s = min(253u, 268u - e); }
  let i = gid.x + gid.y * groups.x * 64u;
  if (i == 0u) { scale[0] = bitcast<f32>((254u - s) << 23u); }
  if (2u * i >= p.size) { return; }
  let factor = bitcast<f32>(s << 23u);
  var second = 0.0;
  if (2u * i + 1u < p.size) { second = x[2u * i + 1u] * factor; }
  y[i] = half_bits(x[2u * i] * factor) | (half_bits(second) << 16u);
}

// include half/half-bits.wgsl
