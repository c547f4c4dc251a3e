// dx = residual + rstd * (dy*w - x * rstd^2 * mean(dy*w*x)) with w = offset + weight.  All (rows, dim); rstd: (rows); weight: (dim).
// `residual` is the gradient that flows past the norm on the residual stream (bind any buffer and use_residual = 0 without one).
// One thread a row.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
fn across(v: V) -> f32 { return v; }

struct Params { rows: u32, dim: u32, use_residual: u32, offset: f32 }

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> weight: array<V>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<V>;
@group(0) @binding(5) var<storage, read_write> dx: array<V>;
@group(0) @binding(6) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = gid.x + gid.y * groups.x * 32u;
  if (row >= p.rows) { return; }
  let dim = p.dim / WIDTH;
  let base = row * dim;
  let r = rstd[row];
  var dots = V(0.0);
  for (var i = 0u; i < dim; i++) { dots = fma(dy[base + i] * (p.offset + weight[i]), x[base + i], dots); }
  let c = across(dots) * r * r / f32(p.dim);
  for (var i = 0u; i < dim; i++) {
    var value = r * (dy[base + i] * (p.offset + weight[i]) - x[base + i] * c);
    if (p.use_residual != 0u) { value += residual[base + i]; }
    dx[base + i] = value;
  }
}
