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
  // A bound that the compiler cannot foresee: unrolled, the two loops below are ten seconds of Mesa's time.
  let vecs = min(VECS, arrayLength(&qkv));
  for (var s = begin & ~3u; s <= last; s += 4u) {
    let keys = vec4<u32>(s) + vec4<u32>(0u, 1u, 2u, 3u);
    let at = min(keys, vec4<u32>(last)) * VECS;
    var x0 = vec4<f32>();
    var x1 = vec4<f32>();
    var x2 = vec4<f32>();
    var x3 = vec4<f32>();
    for (var i = 0u; i < vecs; i++) {
      x0 = fma(q[i], cache[at.x + kBase + i], x0);
      x1 = fma(q[i], cache[at.y + kBase + i], x1);
      x2 = fma(q[i], cache[at.z + kBase + i], x2);
      x3 = fma(q[i], cache[at.w + kBase + i], x3);
    }
    var scores = vec4<f32>(
      (x0.x + x0.y) + (x0.z + x0.w),
      (x1.x + x1.y) + (x1.z + x1.w),
      (x2.x + x2.y) + (x2.z + x2.w),
      (x3.x + x3.y) + (x3.z + x3.w),
    );
    if (SOFTCAP != 0u) { scores = p.softcap * tanh(clamp(scores / p.softcap, vec4<f32>(-15.0), vec4<f32>(15.0))); }
    let see = (keys <= vec4<u32>(last)) & (keys >= vec4<u32>(begin));
    scores = select(vec4<f32>(-3.0e38), scores, see);
    let mNew = max(m, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let keep = select(exp(m - mNew), 1.0, m == mNew);
    let weights = select(vec4<f32>(), exp(scores - mNew), see);
    l = fma(l, keep, (weights.x + weights.y) + (weights.z + weights.w));
    m = mNew;
    for (var i = 0u; i < vecs; i++) {
      var sum = fma(vec4<f32>(weights.x), cache[at.x + vBase + i], acc[i] * keep);
      sum = fma(vec4<f32>(weights.y), cache[at.y + vBase + i], sum);
      sum = fma(vec4<f32>(weights.z), cache[at.z + vBase + i], sum);
      acc[i] = fma(vec4<f32>(weights.w), cache[at.w + vBase + i], sum);
    }
  }
  let oAt = index * VECS;
  for (var i = 0u; i < VECS; i++) { o[oAt + i] = acc[i] / l; }
}
