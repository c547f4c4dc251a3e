// parts[s, i] = sum over the s-th range of rows of dy * x * rstd.  One thread a (range, channel); reduce/sum-parts adds the ranges.
struct Params { rows: u32, dim: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let i = gid.x;
  if (i >= p.dim) { return; }
  let span = (p.rows + p.splits - 1u) / p.splits;
  let begin = gid.y * span;
  let end = min(begin + span, p.rows);
  var total = 0.0;
  for (var row = begin; row < end; row++) { total = fma(dy[row * p.dim + i] * rstd[row], x[row * p.dim + i], total); }
  parts[gid.y * p.dim + i] = total;
}
