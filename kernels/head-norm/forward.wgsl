// RMS norm of every query and key head by itself (Qwen3): y = x * rstd * weight over head_dim channels; values are copied.
// x, y: (rows, (heads + 2 * kv_heads) * head_dim), queries first; weight: (2, head_dim), the queries' then the keys';
// rstd: (rows, heads + kv_heads), kept for backward. One thread a (row, head), which
// reads WIDTH channels side by side; V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
fn across(v: V) -> f32 { return v; }

struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = gid.x + gid.y * groups.x * 64u;
  let all = p.heads + 2u * p.kv_heads;
  let row = index / all;
  if (row >= p.rows) { return; }
  let head = index % all;
  let quads = p.head_dim / WIDTH;
  let base = index * quads;
  if (head >= p.heads + p.kv_heads) {
    for (var i = 0u; i < quads; i++) { y[base + i] = x[base + i]; }
    return;
  }
  var square = V();
  for (var i = 0u; i < quads; i++) { square = fma(x[base + i], x[base + i], square); }
  let r = inverseSqrt(across(square) / f32(p.head_dim) + p.eps);
  rstd[row * (p.heads + p.kv_heads) + head] = r;
  let w = select(quads, 0u, head < p.heads);
  for (var i = 0u; i < quads; i++) { y[base + i] = x[base + i] * r * weight[w + i]; }
}
