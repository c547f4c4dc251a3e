// dk and dv of causal attention: for a key at position s, over the queries t >= s of every head that shares this key head,
// dv = sum of P * do, dk = scale * sum of dS * q. Writes the key and value parts of dQkv.
// One thread a (row, key head): the second of the two kernels that replace float atomics in a flash backward pass.
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

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let s = gid.x;
  if (s >= p.seq) { return; }
  let kvHead = gid.y;
  let first = gid.z * p.seq;
  let group = p.heads / p.kv_heads;
  let stride = (p.heads + 2u * p.kv_heads) * VECS;
  let kAt = (first + s) * stride + (p.heads + kvHead) * VECS;
  let vAt = kAt + p.kv_heads * VECS;
  var k: array<vec4<f32>, VECS>;
  var v: array<vec4<f32>, VECS>;
  var dk: array<vec4<f32>, VECS>;
  var dv: array<vec4<f32>, VECS>;
  for (var i = 0u; i < VECS; i++) {
    k[i] = qkv[kAt + i] * p.scale;
    v[i] = qkv[vAt + i];
  }
  let last = select(p.seq, min(p.seq, s + p.window), p.window != 0u);
  for (var t = s; t < last; t++) {
    let row = first + t;
    if (kvStart[row] > s) { continue; }
    for (var g = 0u; g < group; g++) {
      let head = kvHead * group + g;
      let qAt = row * stride + head * VECS;
      let oAt = (row * p.heads + head) * VECS;
      var products = vec4<f32>();
      var dProducts = vec4<f32>();
      for (var i = 0u; i < VECS; i++) {
        products = fma(qkv[qAt + i], k[i], products);
        dProducts = fma(dOut[oAt + i], v[i], dProducts);
      }
      var score = (products.x + products.y) + (products.z + products.w);
      if (SOFTCAP != 0u) { score = p.softcap * tanh(clamp(score / p.softcap, -15.0, 15.0)); }
      let dp = (dProducts.x + dProducts.y) + (dProducts.z + dProducts.w);
      let prob = exp(score - lse[row * p.heads + head]);
      var ds = prob * (dp - delta[row * p.heads + head]) * p.scale;
      if (SOFTCAP != 0u) { ds *= 1.0 - (score / p.softcap) * (score / p.softcap); }
      for (var i = 0u; i < VECS; i++) {
        dv[i] = fma(vec4<f32>(prob), dOut[oAt + i], dv[i]);
        dk[i] = fma(vec4<f32>(ds), qkv[qAt + i], dk[i]);
      }
    }
  }
  for (var i = 0u; i < VECS; i++) {
    dQkv[kAt + i] = dk[i];
    dQkv[vAt + i] = dv[i];
  }
}
