// Y = X W^T (+ residual).  X: (M, K), W: (N, K), residual and Y: (M, N), all f32 row-major.
// One thread owns a TM x TN tile of Y in registers and walks K; no workgroup memory, no barriers. On a CPU driver (lavapipe) this
// is as fast as a shared-memory tile, and every output is summed over k in one fixed order, whatever the batch size.
const TM: u32 = 8u;
const TN: u32 = 8u;
const GROUP_X: u32 = 4u;
const GROUP_Y: u32 = 2u;

struct Params { m: u32, n: u32, k: u32, use_residual: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(GROUP_X, GROUP_Y)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let row0 = gid.y * TM;
  let col0 = gid.x * TN;
  if (row0 >= p.m || col0 >= p.n) { return; }
  // Rows past the edge read the last row and are not stored, so the inner loop has no branches.
  var xAt: array<u32, TM>;
  var wAt: array<u32, TN>;
  for (var i = 0u; i < TM; i++) { xAt[i] = min(row0 + i, p.m - 1u) * p.k; }
  for (var j = 0u; j < TN; j++) { wAt[j] = min(col0 + j, p.n - 1u) * p.k; }
  var acc: array<f32, TM * TN>;
  for (var k = 0u; k < p.k; k++) {
    var b: array<f32, TN>;
    for (var j = 0u; j < TN; j++) { b[j] = w[wAt[j] + k]; }
    for (var i = 0u; i < TM; i++) {
      let a = x[xAt[i] + k];
      for (var j = 0u; j < TN; j++) { acc[i * TN + j] = fma(a, b[j], acc[i * TN + j]); }
    }
  }
  for (var i = 0u; i < TM; i++) {
    let row = row0 + i;
    if (row >= p.m) { break; }
    for (var j = 0u; j < TN; j++) {
      let col = col0 + j;
      if (col >= p.n) { break; }
      let at = row * p.n + col;
      var value = acc[i * TN + j];
      if (p.use_residual != 0u) { value += residual[at]; }
      y[at] = value;
    }
  }
}
