// Per row of logits, at temperature 1: the log-probability of its target, and the likeliest tokens with theirs.
// logits: (rows, vocab); targets: (rows); wanted: (rows), how many likeliest tokens, up to `most`;
// out: (rows, most + 1): token and the bits of its log-probability, the target first, then from the likeliest down, the lower token first
// among equals. Each next token is the largest below the one before: a pass over the vocabulary each, no sort.
// One workgroup of 32 threads a row; log-sum-exp in the order of cross-entropy/forward.wgsl.
// 1: logits pass through softcap * tanh(logit / softcap) first (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { rows: u32, vocab: u32, most: u32, softcap: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> wanted: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(4) var<uniform> p: Params;

fn capped(logit: f32) -> f32 {
  if (SOFTCAP == 0u) { return logit; }
  return p.softcap * tanh(clamp(logit / p.softcap, -15.0, 15.0));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= p.rows) { return; }
  let base = row * p.vocab;
  var largest = -3.0e38;
  for (var j = lane; j < p.vocab; j += LANES) { largest = max(largest, capped(logits[base + j])); }
  let m = largestOf(lane, largest);
  var s = 0.0;
  for (var j = lane; j < p.vocab; j += LANES) { s += exp(capped(logits[base + j]) - m); }
  let logSum = log(totalOf(lane, s));
  let at = row * (p.most + 1u);
  if (lane == 0u) {
    let target_ = targets[row];
    out[at] = vec2<u32>(target_, bitcast<u32>(capped(logits[base + target_]) - m - logSum));
  }
  var last = 3.0e38;
  var lastAt = 0u;
  let count = min(min(wanted[row], p.most), p.vocab);
  for (var i = 0u; i < count; i++) {
    var best = -3.0e38;
    var bestAt = 0xffffffffu;
    for (var j = lane; j < p.vocab; j += LANES) {
      let z = capped(logits[base + j]);
      let below = z < last || (z == last && j > lastAt);
      if (below && (z > best || bestAt == 0xffffffffu)) { best = z; bestAt = j; }
    }
    settleTop(lane, best, bestAt);
    last = top[0];
    lastAt = topAt[0];
    if (lane == 0u) { out[at + i + 1u] = vec2<u32>(lastAt, bitcast<u32>(last - m - logSum)); }
    workgroupBarrier();
  }
}

// include sample/lanes.wgsl
