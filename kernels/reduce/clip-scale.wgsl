// From partial square sums: state[0] = global gradient norm, state[1] = factor that AdamW multiplies gradients with,
// min(1, max_norm / (norm + 1e-6)), state[2] = 1 when the norm is not finite (AdamW then leaves weights and moments alone).
// One workgroup; partials are summed by 64 strided threads and a tree, in a fixed order. No round trip to the CPU.
struct Params { count: u32, max_norm: f32 }

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

var<workgroup> tree: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var i = lane; i < p.count; i += 64u) { total += partial[i]; }
  tree[lane] = total;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half = half / 2u) {
    if (lane < half) { tree[lane] += tree[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let square = tree[0];
    // WGSL may assume NaN and infinity away in comparisons, so look at the exponent bits.
    let bad = (bitcast<u32>(square) & 0x7f800000u) == 0x7f800000u;
    let norm = sqrt(square);
    state[0] = norm;
    state[1] = select(min(1.0, p.max_norm / (norm + 1e-6)), 0.0, bad);
    state[2] = select(0.0, 1.0, bad);
  }
}
