// parts[s, i] = sum over the s-th range of rows of dy * x * rstd.  One thread for WIDTH channels of a range; reduce/sum-parts adds the ranges.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;

struct Params { rows: u32, dim: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<V>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let i = gid.x;
  let dim = p.dim / WIDTH;
  if (i >= dim) { return; }
  let span = (p.rows + p.splits - 1u) / p.splits;
  let begin = gid.y * span;
  let end = min(begin + span, p.rows);
  var total = V(0.0);
  for (var row = begin; row < end; row++) { total = fma(dy[row * dim + i] * rstd[row], x[row * dim + i], total); }
  parts[gid.y * dim + i] = total;
}
