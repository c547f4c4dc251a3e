// Attention of one new row a slot over its cached keys and values; the recurrence of forward.wgsl in the same order over positions,
// so that a token's log-probability is the same in a rollout and in training.
// qkv: (slots, (heads + 2 * kvHeads) * HEAD_DIM), rotated; cache: (slots, 2, kvHeads, capacity, HEAD_DIM), the new row included;
// positions: (slots), the new row's position; o: (slots, heads * HEAD_DIM). One thread a (slot, head).
const HEAD_DIM: u32 = 16u;
// Heads are walked four channels at a time: HEAD_DIM is a multiple of 4, and so is every row's stride.
const VECS: u32 = HEAD_DIM / 4u;
// 1: scores pass through softcap * tanh(score / softcap) (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { slots: u32, heads: u32, kv_heads: u32, capacity: u32, window: u32, scale: f32, softcap: f32 }

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> cache: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = gid.x + gid.y * groups.x * 8u;
  let slot = index / p.heads;
  if (slot >= p.slots) { return; }
  let head = index % p.heads;
  let kvHead = head / (p.heads / p.kv_heads);
  let qAt = slot * (p.heads + 2u * p.kv_heads) * VECS + head * VECS;
  let kBase = (slot * 2u * p.kv_heads + kvHead) * p.capacity * VECS;
  let vBase = kBase + p.kv_heads * p.capacity * VECS;
  var q: array<vec4<f32>, VECS>;
  var acc: array<vec4<f32>, VECS>;
  for (var i = 0u; i < VECS; i++) { q[i] = qkv[qAt + i] * p.scale; }
  var m = -3.0e38;
  var l = 0.0;
  let last = min(positions[slot], p.capacity - 1u);
  let begin = select(0u, last + 1u - min(p.window, last + 1u), p.window != 0u);
  for (var s = begin; s <= last; s++) {
    var products = vec4<f32>();
    for (var i = 0u; i < VECS; i++) { products = fma(q[i], cache[kBase + s * VECS + i], products); }
    var score = (products.x + products.y) + (products.z + products.w);
    if (SOFTCAP != 0u) { score = p.softcap * tanh(clamp(score / p.softcap, -15.0, 15.0)); }
    let mNew = max(m, score);
    let keepOld = exp(m - mNew);
    let weight = exp(score - mNew);
    l = l * keepOld + weight;
    for (var i = 0u; i < VECS; i++) { acc[i] = acc[i] * keepOld + weight * cache[vBase + s * VECS + i]; }
    m = mNew;
  }
  let oAt = index * VECS;
  for (var i = 0u; i < VECS; i++) { o[oAt + i] = acc[i] / l; }
}
