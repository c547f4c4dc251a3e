// parts[s, j] = sum over the s-th range of rows of dy[row, j].  One thread a (range, column); reduce/sum-parts adds the ranges.
struct Params { rows: u32, dim: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> parts: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let j = gid.x;
  if (j >= p.dim) { return; }
  let span = (p.rows + p.splits - 1u) / p.splits;
  let begin = gid.y * span;
  let end = min(begin + span, p.rows);
  var total = 0.0;
  for (var row = begin; row < end; row++) { total += dy[row * p.dim + j]; }
  parts[gid.y * p.dim + j] = total;
}
