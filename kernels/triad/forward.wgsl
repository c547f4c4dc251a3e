// out = a + scale * b over vectors of four floats (STREAM's triad, McCalpin 1995): nothing but memory traffic, to measure it.
struct Params { size: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i * 4u >= p.size) { return; }
  out[i] = a[i] + p.scale * b[i];
}
