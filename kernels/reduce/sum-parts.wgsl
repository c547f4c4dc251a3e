// out += sum over p of parts[p].  parts: (count, size), out: (size), f32. One thread an element; parts are added in order.
// Used after split-K weight gradients and after per-workgroup partial sums of norm weights.
struct Params { size: u32, count: u32, accumulate: u32 }

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i >= p.size) { return; }
  var total = 0.0;
  for (var part = 0u; part < p.count; part++) { total += parts[part * p.size + i]; }
  if (p.accumulate != 0u) { out[i] += total; } else { out[i] = total; }
}
