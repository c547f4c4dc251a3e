// dq of causal attention: with P = exp(score - lse) and dS = P * (do . v - delta), dq = scale * sum over keys of dS * k.
// Writes the query part of dQkv (rows, (heads + 2 * kvHeads) * HEAD_DIM). One thread a (row, head); keys in order, no atomics.
const HEAD_DIM: u32 = 16u;
// Heads are walked four channels at a time: HEAD_DIM is a multiple of 4, and so is every row's stride.
const VECS: u32 = HEAD_DIM / 4u;
// 1: scores pass through softcap * tanh(score / softcap) (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { batch: u32, seq: u32, heads: u32, kv_heads: u32, window: u32, scale: f32, softcap: f32 }

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> kvStart: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dOut: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> dQkv: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> p: Params;

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
  let oAt = (row * p.heads + head) * VECS;
  var q: array<vec4<f32>, VECS>;
  var d: array<vec4<f32>, VECS>;
  var acc: array<vec4<f32>, VECS>;
  for (var i = 0u; i < VECS; i++) {
    q[i] = qkv[qAt + i] * p.scale;
    d[i] = dOut[oAt + i];
  }
  let rowLse = lse[row * p.heads + head];
  let rowDelta = delta[row * p.heads + head];
  for (var s = firstKey(kvStart[row], t); s <= t; s++) {
    let at = (first + s) * stride;
    var products = vec4<f32>();
    var dProducts = vec4<f32>();
    for (var i = 0u; i < VECS; i++) {
      products = fma(q[i], qkv[at + kOff + i], products);
      dProducts = fma(d[i], qkv[at + vOff + i], dProducts);
    }
    var score = (products.x + products.y) + (products.z + products.w);
    if (SOFTCAP != 0u) { score = p.softcap * tanh(clamp(score / p.softcap, -15.0, 15.0)); }
    let dp = (dProducts.x + dProducts.y) + (dProducts.z + dProducts.w);
    var ds = exp(score - rowLse) * (dp - rowDelta) * p.scale;
    if (SOFTCAP != 0u) { ds *= 1.0 - (score / p.softcap) * (score / p.softcap); }
    for (var i = 0u; i < VECS; i++) { acc[i] = fma(vec4<f32>(ds), qkv[at + kOff + i], acc[i]); }
  }
  for (var i = 0u; i < VECS; i++) { dQkv[qAt + i] = acc[i]; }
}
