// dx = residual + rstd * (dy*w - x * rstd^2 * mean(dy*w*x)) with w = offset + weight.  All (rows, dim); rstd: (rows); weight: (dim).
// `residual` is the gradient that flows past the norm on the residual stream (bind any buffer and use_residual = 0 without one).
// One thread a row.
struct Params { rows: u32, dim: u32, use_residual: u32, offset: f32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;
@group(0) @binding(6) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = gid.x + gid.y * groups.x * 8u;
  if (row >= p.rows) { return; }
  let base = row * p.dim;
  let r = rstd[row];
  var dot = 0.0;
  for (var i = 0u; i < p.dim; i++) { dot = fma(dy[base + i] * (p.offset + weight[i]), x[base + i], dot); }
  let c = dot * r * r / f32(p.dim);
  for (var i = 0u; i < p.dim; i++) {
    var value = r * (dy[base + i] * (p.offset + weight[i]) - x[base + i] * c);
    if (p.use_residual != 0u) { value += residual[base + i]; }
    dx[base + i] = value;
  }
}
