// out[0] += sum of weights.x * logp over rows (the loss), out[1] += sum of entropy, out[2] += number of rows with a weight,
// out[3] += sum of -weights.x * lse^2 (the z-loss before its coefficient).
// stats: (rows) vec4 of cross-entropy/forward; weights: (rows) vec2. One workgroup; strided partial sums, then a tree.
struct Params { rows: u32 }

@group(0) @binding(0) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weights: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

var<workgroup> tree: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = vec4<f32>(0.0);
  for (var row = lane; row < p.rows; row += 64u) {
    let weight = weights[row].x;
    if (weight != 0.0) { total += vec4<f32>(weight * stats[row].x, stats[row].z, 1.0, -weight * stats[row].y * stats[row].y); }
  }
  tree[lane] = total;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half = half / 2u) {
    if (lane < half) { tree[lane] += tree[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) {
    out[0] += tree[0].x;
    out[1] += tree[0].y;
    out[2] += tree[0].z;
    out[3] += tree[0].w;
  }
}
