// y = (1 - share) * y + share * x, element by element: a reference model that follows the policy (TRL's sync_ref_model). One thread an element.
struct Params { size: u32, share: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i >= p.size) { return; }
  y[i] = (1.0 - p.share) * y[i] + p.share * x[i];
}
