// y[row, j] += bias[j], in place.  y: (rows, dim); bias: (dim). One thread for WIDTH elements.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;

struct Params { rows: u32, dim: u32 }

@group(0) @binding(0) var<storage, read> bias: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let dim = p.dim / WIDTH;
  if (i >= p.rows * dim) { return; }
  y[i] += bias[i % dim];
}
