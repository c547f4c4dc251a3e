// y = x * rstd * weight, rstd = 1 / sqrt(mean(x^2) + eps).  x, y: (rows, dim); weight: (dim); rstd: (rows), kept for backward.
// One thread a row: rows are many and short here, and a row's sum is then one fixed order on every device.
struct Params { rows: u32, dim: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = gid.x + gid.y * groups.x * 8u;
  if (row >= p.rows) { return; }
  let base = row * p.dim;
  var square = 0.0;
  for (var i = 0u; i < p.dim; i++) { square = fma(x[base + i], x[base + i], square); }
  let r = inverseSqrt(square / f32(p.dim) + p.eps);
  rstd[row] = r;
  for (var i = 0u; i < p.dim; i++) { y[base + i] = x[base + i] * r * weight[i]; }
}
