// dX = dY W.  dY: (M, K), W: (K, N), dX: (M, N), all f32 row-major. The gradient of nt.wgsl's X, where its N is K here.
// Same decomposition as nt.wgsl: a TM x TN register tile a thread, K walked in order. `accumulate` adds to what dX holds.
const TM: u32 = 8u;
const TN: u32 = 8u;
const GROUP_X: u32 = 4u;
const GROUP_Y: u32 = 2u;

struct Params { m: u32, n: u32, k: u32, accumulate: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(GROUP_X, GROUP_Y)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let row0 = gid.y * TM;
  let col0 = gid.x * TN;
  if (row0 >= p.m || col0 >= p.n) { return; }
  var aAt: array<u32, TM>;
  var bAt: array<u32, TN>;
  for (var i = 0u; i < TM; i++) { aAt[i] = min(row0 + i, p.m - 1u) * p.k; }
  for (var j = 0u; j < TN; j++) { bAt[j] = min(col0 + j, p.n - 1u); }
  var acc: array<f32, TM * TN>;
  for (var k = 0u; k < p.k; k++) {
    var b: array<f32, TN>;
    for (var j = 0u; j < TN; j++) { b[j] = w[k * p.n + bAt[j]]; }
    for (var i = 0u; i < TM; i++) {
      let a = dy[aAt[i] + k];
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
      if (p.accumulate != 0u) { dx[at] += acc[i * TN + j]; } else { dx[at] = acc[i * TN + j]; }
    }
  }
}
