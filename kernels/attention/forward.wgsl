// Causal grouped-query attention, one pass with an online softmax (Milakov and Gimelshein 2018; the recurrence of flash attention).
// qkv: (batch * seq, (heads + 2 * kvHeads) * HEAD_DIM), rotated already; o: (batch * seq, heads * HEAD_DIM);
// lse: (batch * seq, heads), the log of each row's softmax sum, kept for backward; kvStart: (batch * seq), the first position
// of its own sequence that a row may look at (0, or the start of its document when documents are masked from each other).
// One thread a (row, head): eight neighbouring rows share a workgroup and read the same keys. Scores are never stored.
// Keys come four at a time, in blocks counted from the first key of the row's document, so that a row's bits do not depend on where in a
// packed sequence its document lies: sums are rescaled once a block. A key out of sight weighs zero.
const HEAD_DIM: u32 = 16u;
// Heads are walked four channels at a time: HEAD_DIM is a multiple of 4, and so is every row's stride.
const VECS: u32 = HEAD_DIM / 4u;
// 1: scores pass through softcap * tanh(score / softcap) (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { batch: u32, seq: u32, heads: u32, kv_heads: u32, window: u32, scale: f32, softcap: f32 }

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> kvStart: array<u32>;
@group(0) @binding(2) var<storage, read_write> o: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

// The first key a row may look at: its document's first, or the first inside the sliding window (window = 0: none).
fn firstKey(begin: u32, t: u32) -> u32 {
  return select(begin, max(begin, t + 1u - min(p.window, t + 1u)), p.window != 0u);
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let t = gid.x;
  if (t >= p.seq) { return; }
  let head = gid.y;
  let first = gid.z * p.seq;
  let row = first + t;
  let stride = (p.heads + 2u * p.kv_heads) * VECS;
  let kvHead = head / (p.heads / p.kv_heads);
  let qAt = row * stride + head * VECS;
  let kOff = (p.heads + kvHead) * VECS;
  let vOff = (p.heads + p.kv_heads + kvHead) * VECS;
  var q: array<vec4<f32>, VECS>;
  var acc: array<vec4<f32>, VECS>;
  for (var i = 0u; i < VECS; i++) { q[i] = qkv[qAt + i] * p.scale; }
  var m = -3.0e38;
  var l = 0.0;
  let start = kvStart[row];
  let begin = firstKey(start, t);
  // A bound that the compiler cannot foresee: unrolled, the two loops below are ten seconds of Mesa's time.
  let vecs = min(VECS, arrayLength(&qkv));
  for (var s = start + ((begin - start) & ~3u); s <= t; s += 4u) {
    let keys = vec4<u32>(s) + vec4<u32>(0u, 1u, 2u, 3u);
    let at = (vec4<u32>(first) + min(keys, vec4<u32>(t))) * stride;
    var x0 = vec4<f32>();
    var x1 = vec4<f32>();
    var x2 = vec4<f32>();
    var x3 = vec4<f32>();
    for (var i = 0u; i < vecs; i++) {
      x0 = fma(q[i], qkv[at.x + kOff + i], x0);
      x1 = fma(q[i], qkv[at.y + kOff + i], x1);
      x2 = fma(q[i], qkv[at.z + kOff + i], x2);
      x3 = fma(q[i], qkv[at.w + kOff + i], x3);
    }
    var scores = vec4<f32>(
      (x0.x + x0.y) + (x0.z + x0.w),
      (x1.x + x1.y) + (x1.z + x1.w),
      (x2.x + x2.y) + (x2.z + x2.w),
      (x3.x + x3.y) + (x3.z + x3.w),
    );
    if (SOFTCAP != 0u) { scores = p.softcap * tanh(clamp(scores / p.softcap, vec4<f32>(-15.0), vec4<f32>(15.0))); }
    let see = (keys <= vec4<u32>(t)) & (keys >= vec4<u32>(begin));
    scores = select(vec4<f32>(-3.0e38), scores, see);
    let mNew = max(m, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let keep = select(exp(m - mNew), 1.0, m == mNew);
    let weights = select(vec4<f32>(), exp(scores - mNew), see);
    l = fma(l, keep, (weights.x + weights.y) + (weights.z + weights.w));
    m = mNew;
    for (var i = 0u; i < vecs; i++) {
      var sum = fma(vec4<f32>(weights.x), qkv[at.x + vOff + i], acc[i] * keep);
      sum = fma(vec4<f32>(weights.y), qkv[at.y + vOff + i], sum);
      sum = fma(vec4<f32>(weights.z), qkv[at.z + vOff + i], sum);
      acc[i] = fma(vec4<f32>(weights.w), qkv[at.w + vOff + i], sum);
    }
  }
  let oAt = (row * p.heads + head) * VECS;
  for (var i = 0u; i < VECS; i++) { o[oAt + i] = acc[i] / l; }
  lse[row * p.heads + head] = m + log(l);
}
