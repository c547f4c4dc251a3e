// parts[g] = the bits of the largest |x| of the g-th of 64 slices. Magnitudes order as their bits do, and a maximum does not depend on the
// order it is taken in. One workgroup a slice.
struct Params { size: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> parts: array<u32>;
@group(0) @binding(2) var<uniform> p: Params;

var<workgroup> tree: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let span = (p.size + 63u) / 64u;
  let begin = min(group.x * span, p.size);
  let end = min(begin + span, p.size);
  var most = 0u;
  for (var i = begin + lane; i < end; i += 64u) { most = max(most, bitcast<u32>(x[i]) & 0x7fffffffu); }
  tree[lane] = most;
  workgroupBarrier();
  for (var step = 32u; step > 0u; step = step / 2u) {
    if (lane < step) { tree[lane] = max(tree[lane], tree[lane + step]); }
    workgroupBarrier();
  }
  if (lane == 0u) { parts[group.x] = tree[0]; }
}
