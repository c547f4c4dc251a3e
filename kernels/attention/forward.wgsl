// Causal grouped-query attention, one pass with an online softmax (Milakov and Gimelshein 2018; the recurrence of flash attention).
// qkv: (batch * seq, (heads + 2 * kvHeads) * HEAD_DIM), rotated already; o: (batch * seq, heads * HEAD_DIM);
// lse: (batch * seq, heads), the log of each row's softmax sum, kept for backward; kvStart: (batch * seq), the first position
// of its own sequence that a row may look at (0, or the start of its document when documents are masked from each other).
// One thread a (row, head): eight neighbouring rows share a workgroup and read the same keys. Scores are never stored.
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
  for (var s = firstKey(kvStart[row], t); s <= t; s++) {
    let at = (first + s) * stride;
    var products = vec4<f32>();
    for (var i = 0u; i < VECS; i++) { products = fma(q[i], qkv[at + kOff + i], products); }
    var score = (products.x + products.y) + (products.z + products.w);
    if (SOFTCAP != 0u) { score = p.softcap * tanh(clamp(score / p.softcap, -15.0, 15.0)); }
    let mNew = max(m, score);
    let keepOld = exp(m - mNew);
    let weight = exp(score - mNew);
    l = l * keepOld + weight;
    for (var i = 0u; i < VECS; i++) { acc[i] = acc[i] * keepOld + weight * qkv[at + vOff + i]; }
    m = mNew;
  }
  let oAt = (row * p.heads + head) * VECS;
  for (var i = 0u; i < VECS; i++) { o[oAt + i] = acc[i] / l; }
  lse[row * p.heads + head] = m + log(l);
}
