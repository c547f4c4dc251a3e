// RMS norm of every query and key head by itself (Qwen3): y = x * rstd * weight over head_dim channels; values are copied.
// x, y: (rows, (heads + 2 * kv_heads) * head_dim), queries first; weight: (2, head_dim), the queries' then the keys';
// rstd: (rows, heads + kv_heads), kept for backward. One thread a (row, head).
struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = gid.x + gid.y * groups.x * 64u;
  let all = p.heads + 2u * p.kv_heads;
  let row = index / all;
  if (row >= p.rows) { return; }
  let head = index % all;
  let base = index * p.head_dim;
  if (head >= p.heads + p.kv_heads) {
    for (var i = 0u; i < p.head_dim; i++) { y[base + i] = x[base + i]; }
    return;
  }
  var square = 0.0;
  for (var i = 0u; i < p.head_dim; i++) { square = fma(x[base + i], x[base + i], square); }
  let r = inverseSqrt(square / f32(p.head_dim) + p.eps);
  rstd[row * (p.heads + p.kv_heads) + head] = r;
  let w = select(p.head_dim, 0u, head < p.heads);
  for (var i = 0u; i < p.head_dim; i++) { y[base + i] = x[base + i] * r * weight[w + i]; }
}
