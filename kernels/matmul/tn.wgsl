// dW = dY^T X, in `splits` parts of the rows.  dY: (K, M), X: (K, N), parts: (splits, M, N), all f32 row-major.
// The weight gradient of nt.wgsl: M its outputs, N its inputs, K the tokens. M and N are small and K is long, so K is cut into
// `splits` ranges (grid z), each with its own partial result; reduce/sum-parts.wgsl adds them in a fixed order. No atomics.
const TM: u32 = 8u;
const TN: u32 = 8u;
const GROUP_X: u32 = 4u;
const GROUP_Y: u32 = 2u;

struct Params { m: u32, n: u32, k: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(GROUP_X, GROUP_Y)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let row0 = gid.y * TM;
  let col0 = gid.x * TN;
  if (row0 >= p.m || col0 >= p.n) { return; }
  let span = (p.k + p.splits - 1u) / p.splits;
  let begin = gid.z * span;
  let end = min(begin + span, p.k);
  var aAt: array<u32, TM>;
  var bAt: array<u32, TN>;
  for (var i = 0u; i < TM; i++) { aAt[i] = min(row0 + i, p.m - 1u); }
  for (var j = 0u; j < TN; j++) { bAt[j] = min(col0 + j, p.n - 1u); }
  var acc: array<f32, TM * TN>;
  for (var k = begin; k < end; k++) {
    var b: array<f32, TN>;
    for (var j = 0u; j < TN; j++) { b[j] = x[k * p.n + bAt[j]]; }
    for (var i = 0u; i < TM; i++) {
      let a = dy[k * p.m + aAt[i]];
      for (var j = 0u; j < TN; j++) { acc[i * TN + j] = fma(a, b[j], acc[i * TN + j]); }
    }
  }
  let base = gid.z * p.m * p.n;
  for (var i = 0u; i < TM; i++) {
    let row = row0 + i;
    if (row >= p.m) { break; }
    for (var j = 0u; j < TN; j++) {
      let col = col0 + j;
      if (col >= p.n) { break; }
      parts[base + row * p.n + col] = acc[i * TN + j];
    }
  }
}
