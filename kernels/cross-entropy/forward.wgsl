// Per row of logits (already divided by nothing; inv_temperature scales them here): stats[row] = [logp(target), lse, entropy, argmax].
//   logp = z_target - lse, lse = log sum exp z, entropy = lse - sum(p * z), all of z = logits * inv_temperature.
// logits: (rows, vocab), a chunk of the batch; targets and stats are those of the whole batch, `first` is the chunk's first row.
// One workgroup a row: 32 sums, one for each remainder of the column by 32, then a tree in workgroup memory (fixed order, that of
// sample/forward.wgsl). 32 threads hold one each, or 8 threads four: V is f32 or vec4<f32> (KernelSpec.width), with the same bits.
alias V = f32;
const WIDTH: u32 = 1u;
const LANES: V = V(0.0);
fn greatest(v: V) -> f32 { return v; }
fn least(v: V) -> f32 { return v; }
fn halves(v: V) -> f32 { return v; }
// 1: logits pass through softcap * tanh(logit / softcap) first (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { rows: u32, vocab: u32, first: u32, inv_temperature: f32, softcap: f32 }

@group(0) @binding(0) var<storage, read> logits: array<V>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: Params;

const THREADS: u32 = 32u / WIDTH;
var<workgroup> top: array<V, THREADS>;
var<workgroup> topAt: array<V, THREADS>;
var<workgroup> sum: array<V, THREADS>;
var<workgroup> weighted: array<V, THREADS>;

fn capped(logit: V) -> V {
  if (SOFTCAP == 0u) { return logit; }
  return p.softcap * tanh(clamp(logit / p.softcap, V(-15.0), V(15.0)));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= p.rows) { return; }
  let width = p.vocab / WIDTH;
  let base = row * width;
  var best = V(-3.0e38);
  var bestAt = V(0.0);
  for (var j = lane; j < width; j += THREADS) {
    let z = capped(logits[base + j]) * p.inv_temperature;
    bestAt = select(bestAt, V(f32(j * WIDTH)), z > best);
    best = max(best, z);
  }
  top[lane] = best;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half = half / 2u) {
    if (lane < half) { top[lane] = max(top[lane], top[lane + half]); }
    workgroupBarrier();
  }
  let m = greatest(top[0]);
  // The lowest column of those that are largest, as in a plain loop.
  topAt[lane] = select(V(3.0e38), bestAt + LANES, best == V(m));
  var s = V(0.0);
  var w = V(0.0);
  for (var j = lane; j < width; j += THREADS) {
    let z = capped(logits[base + j]) * p.inv_temperature - m;
    let e = exp(z);
    s += e;
    w = fma(e, z, w);
  }
  sum[lane] = s;
  weighted[lane] = w;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half = half / 2u) {
    if (lane < half) {
      topAt[lane] = min(topAt[lane], topAt[lane + half]);
      sum[lane] += sum[lane + half];
      weighted[lane] += weighted[lane + half];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let total = halves(sum[0]);
    let logSum = log(total);
    let target_ = targets[p.first + row];
    let near = capped(logits[base + target_ / WIDTH]);
    let picked = greatest(select(V(-3.0e38), near, LANES == V(f32(target_ % WIDTH)))) * p.inv_temperature - m;
    stats[p.first + row] = vec4<f32>(picked - logSum, m + logSum, logSum - halves(weighted[0]) / total, least(topAt[0]));
  }
}
