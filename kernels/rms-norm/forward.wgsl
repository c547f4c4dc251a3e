// y = x * rstd * (offset + weight) [+ residual], rstd = 1 / sqrt(mean(x^2) + eps).  x, y, residual: (rows, dim); weight: (dim);
// rstd: (rows), kept for backward. offset is 1 where weights are stored as differences from 1 (Gemma). Without a residual bind any
// buffer and use_residual = 0.
// One thread a row: rows are many and short here, and a row's sum is then one fixed order on every device.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
fn across(v: V) -> f32 { return v; }

struct Params { rows: u32, dim: u32, use_residual: u32, eps: f32, offset: f32 }

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read> residual: array<V>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(5) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = gid.x + gid.y * groups.x * 32u;
  if (row >= p.rows) { return; }
  let dim = p.dim / WIDTH;
  let base = row * dim;
  var squares = V(0.0);
  for (var i = 0u; i < dim; i++) { squares = fma(x[base + i], x[base + i], squares); }
  let r = inverseSqrt(across(squares) / f32(p.dim) + p.eps);
  rstd[row] = r;
  for (var i = 0u; i < dim; i++) {
    var value = x[base + i] * r * (p.offset + weight[i]);
    if (p.use_residual != 0u) { value += residual[base + i]; }
    y[base + i] = value;
  }
}
