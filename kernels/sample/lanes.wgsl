// Included by the kernels that walk a row of logits with one workgroup: what its threads hold, brought together by a tree (fixed order).
// Every thread calls these; each begins and ends with the memory of the workgroup settled.
const LANES: u32 = 32u;
var<workgroup> top: array<f32, LANES>;
var<workgroup> topAt: array<u32, LANES>;
var<workgroup> sum: array<f32, LANES>;

fn largestOf(lane: u32, value: f32) -> f32 {
  sum[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) { sum[lane] = max(sum[lane], sum[lane + half]); }
    workgroupBarrier();
  }
  let largest = sum[0];
  workgroupBarrier();
  return largest;
}

fn totalOf(lane: u32, value: f32) -> f32 {
  sum[lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) { sum[lane] += sum[lane + half]; }
    workgroupBarrier();
  }
  let total = sum[0];
  workgroupBarrier();
  return total;
}

// The largest value and its place are in top[0] and topAt[0] afterwards; the lower place wins a tie, as in a plain loop.
fn settleTop(lane: u32, value: f32, at: u32) {
  top[lane] = value;
  topAt[lane] = at;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) {
      let other = top[lane + half];
      if (other > top[lane] || (other == top[lane] && topAt[lane + half] < topAt[lane])) {
        top[lane] = other;
        topAt[lane] = topAt[lane + half];
      }
    }
    workgroupBarrier();
  }
}
