// Per row of logits (already divided by nothing; inv_temperature scales them here): stats[row] = [logp(target), lse, entropy, argmax].
//   logp = z_target - lse, lse = log sum exp z, entropy = lse - sum(p * z), all of z = logits * inv_temperature.
// logits: (rows, vocab), a chunk of the batch; targets and stats are those of the whole batch, `first` is the chunk's first row.
// One workgroup a row: 32 threads stride over the vocabulary, then a tree in workgroup memory (fixed order).
// 1: logits pass through softcap * tanh(logit / softcap) first (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { rows: u32, vocab: u32, first: u32, inv_temperature: f32, softcap: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: Params;

const LANES: u32 = 32u;
var<workgroup> top: array<f32, LANES>;
var<workgroup> topAt: array<u32, LANES>;
var<workgroup> sum: array<f32, LANES>;
var<workgroup> weighted: array<f32, LANES>;

fn capped(logit: f32) -> f32 {
  if (SOFTCAP == 0u) { return logit; }
  return p.softcap * tanh(clamp(logit / p.softcap, -15.0, 15.0));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= p.rows) { return; }
  let base = row * p.vocab;
  var best = -3.0e38;
  var bestAt = 0u;
  for (var j = lane; j < p.vocab; j += LANES) {
    let z = capped(logits[base + j]) * p.inv_temperature;
    if (z > best) { best = z; bestAt = j; }
  }
  top[lane] = best;
  topAt[lane] = bestAt;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) {
      let other = top[lane + half];
      // The lower index wins a tie, as in a plain loop.
      if (other > top[lane] || (other == top[lane] && topAt[lane + half] < topAt[lane])) {
        top[lane] = other;
        topAt[lane] = topAt[lane + half];
      }
    }
    workgroupBarrier();
  }
  let m = top[0];
  var s = 0.0;
  var w = 0.0;
  for (var j = lane; j < p.vocab; j += LANES) {
    let z = capped(logits[base + j]) * p.inv_temperature - m;
    let e = exp(z);
    s += e;
    w = fma(e, z, w);
  }
  sum[lane] = s;
  weighted[lane] = w;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) {
      sum[lane] += sum[lane + half];
      weighted[lane] += weighted[lane + half];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let logSum = log(sum[0]);
    let picked = capped(logits[base + targets[p.first + row]]) * p.inv_temperature - m;
    stats[p.first + row] = vec4<f32>(picked - logSum, m + logSum, logSum - weighted[0] / sum[0], f32(topAt[0]));
  }
}
