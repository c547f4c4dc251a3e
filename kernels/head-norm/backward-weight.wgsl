// parts[s] (2, head_dim) = sum over the s-th range of rows, and over the heads of a kind, of dy * x * rstd.
// One thread a (range, kind, channel); reduce/sum-parts adds the ranges.
struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let j = gid.x;
  if (j >= 2u * p.head_dim) { return; }
  let keys = j >= p.head_dim;
  let i = j % p.head_dim;
  let first = select(0u, p.heads, keys);
  let last = select(p.heads, p.heads + p.kv_heads, keys);
  let span = (p.rows + p.splits - 1u) / p.splits;
  let begin = gid.y * span;
  let end = min(begin + span, p.rows);
  var total = 0.0;
  for (var row = begin; row < end; row++) {
    for (var head = first; head < last; head++) {
      let at = (row * (p.heads + 2u * p.kv_heads) + head) * p.head_dim + i;
      total = fma(dy[at] * rstd[row * (p.heads + p.kv_heads) + head], x[at], total);
    }
  }
  parts[gid.y * 2u * p.head_dim + j] = total;
}
