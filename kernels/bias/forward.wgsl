// y[row, j] += bias[j], in place.  y: (rows, dim); bias: (dim). One thread an element.
struct Params { rows: u32, dim: u32 }

@group(0) @binding(0) var<storage, read> bias: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i >= p.rows * p.dim) { return; }
  y[i] += bias[i % p.dim];
}
