// From partial square sums: state[0] = global gradient norm, state[1] = factor that AdamW multiplies gradients with,
// min(1, max_norm / (norm + 1e-6)), state[2] = 1 when the norm is not finite and 2 when it is a spike (AdamW then leaves weights and moments
// alone), state[3] = how many standard deviations it lies above the last 128 norms (0 until there are as many).
// history: steps so far, then a ring of 128 norms. One workgroup; sums by 64 strided threads and a tree, in a fixed order. No round trip
// to the CPU.
const WINDOW: u32 = 128u;

struct Params { count: u32, max_norm: f32, max_z: f32 }

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> history: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

var<workgroup> tree: array<f32, 64>;

fn treeSum(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  tree[lane] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half = half / 2u) {
    if (lane < half) { tree[lane] += tree[lane + half]; }
    workgroupBarrier();
  }
  return tree[0];
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var i = lane; i < p.count; i += 64u) { total += partial[i]; }
  let square = treeSum(lane, total);
  let first = history[1u + lane];
  let second = history[65u + lane];
  let mean = treeSum(lane, first + second) / f32(WINDOW);
  let variance = treeSum(lane, (first - mean) * (first - mean) + (second - mean) * (second - mean)) / f32(WINDOW);
  workgroupBarrier();
  if (lane == 0u) {
    // WGSL may assume NaN and infinity away in comparisons, so look at the exponent bits.
    let bad = (bitcast<u32>(square) & 0x7f800000u) == 0x7f800000u;
    let norm = sqrt(square);
    let known = u32(history[0]);
    var z = 0.0;
    if (known >= WINDOW && !bad && variance > 0.0) { z = (norm - mean) / sqrt(variance); }
    let spike = p.max_z > 0.0 && z > p.max_z;
    if (!bad) {
      history[1u + known % WINDOW] = norm;
      // An f32 counts exactly to 2^24; beyond, only the place in the ring matters.
      history[0] = f32(select(known + 1u, WINDOW + (known + 1u) % WINDOW, known + 1u >= 16777216u));
    }
    state[0] = norm;
    state[1] = select(min(1.0, p.max_norm / (norm + 1e-6)), 0.0, bad);
    state[2] = select(select(0.0, 2.0, spike), 1.0, bad);
    state[3] = z;
  }
}
