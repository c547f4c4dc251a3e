// out += sum over p of parts[p].  parts: (count, size), out: (size), f32. One thread for WIDTH elements; parts are added in order.
// Used after split-K weight gradients and after per-workgroup partial sums of norm weights.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;

struct Params { size: u32, count: u32, accumulate: u32 }

@group(0) @binding(0) var<storage, read> parts: array<V>;
@group(0) @binding(1) var<storage, read_write> out: array<V>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let size = p.size / WIDTH;
  if (i >= size) { return; }
  var total = V(0.0);
  for (var part = 0u; part < p.count; part++) { total += parts[part * size + i]; }
  if (p.accumulate != 0u) { out[i] += total; } else { out[i] = total; }
}
