// Gradient of the heads' norm, in place: d holds dy and becomes dx = rstd * (dy*w - x * rstd^2 * mean(dy*w*x)); the values' part stays.
// d, x: (rows, (heads + 2 * kv_heads) * head_dim); weight: (2, head_dim); rstd: (rows, heads + kv_heads). One thread a (row, normed head),
// which reads WIDTH channels side by side; V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
fn across(v: V) -> f32 { return v; }

struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32 }

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> d: array<V>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = gid.x + gid.y * groups.x * 64u;
  let normed = p.heads + p.kv_heads;
  let row = index / normed;
  if (row >= p.rows) { return; }
  let head = index % normed;
  let quads = p.head_dim / WIDTH;
  let base = (row * (normed + p.kv_heads) + head) * quads;
  let w = select(quads, 0u, head < p.heads);
  let r = rstd[index];
  var dot = V();
  for (var i = 0u; i < quads; i++) { dot = fma(d[base + i] * weight[w + i], x[base + i], dot); }
  let c = across(dot) * r * r / f32(p.head_dim);
  for (var i = 0u; i < quads; i++) { d[base + i] = r * (d[base + i] * weight[w + i] - x[base + i] * c); }
}
