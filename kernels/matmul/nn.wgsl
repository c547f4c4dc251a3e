// dX = dY W.  dY: (M, K), W: (K, N), dX: (M, N), all f32 row-major. The gradient of nt.wgsl's X, where its N is K here.
// Same decomposition as nt.wgsl: an 8 x 8 tile in named registers a thread, K walked in order. `accumulate` adds to what dX holds.
// dY may be columns `first` to `first + k` of a matrix with `stride` columns.
struct Params { m: u32, n: u32, k: u32, accumulate: u32, stride: u32, first: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(4, 2)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let row = gid.y * 8u;
  let col = gid.x * 8u;
  if (row >= p.m || col >= p.n) { return; }
  // Rows and columns past the edge read the last one and are not stored, so the loop has no branches.
  let lastRow = p.m - 1u;
  let lastCol = p.n - 1u;
  let a0 = min(row, lastRow) * p.stride + p.first;
  let a1 = min(row + 1u, lastRow) * p.stride + p.first;
  let a2 = min(row + 2u, lastRow) * p.stride + p.first;
  let a3 = min(row + 3u, lastRow) * p.stride + p.first;
  let a4 = min(row + 4u, lastRow) * p.stride + p.first;
  let a5 = min(row + 5u, lastRow) * p.stride + p.first;
  let a6 = min(row + 6u, lastRow) * p.stride + p.first;
  let a7 = min(row + 7u, lastRow) * p.stride + p.first;
  let b0 = min(col, lastCol);
  let b1 = min(col + 1u, lastCol);
  let b2 = min(col + 2u, lastCol);
  let b3 = min(col + 3u, lastCol);
  let b4 = min(col + 4u, lastCol);
  let b5 = min(col + 5u, lastCol);
  let b6 = min(col + 6u, lastCol);
  let b7 = min(col + 7u, lastCol);
  var lo0 = vec4<f32>();
  var hi0 = vec4<f32>();
  var lo1 = vec4<f32>();
  var hi1 = vec4<f32>();
  var lo2 = vec4<f32>();
  var hi2 = vec4<f32>();
  var lo3 = vec4<f32>();
  var hi3 = vec4<f32>();
  var lo4 = vec4<f32>();
  var hi4 = vec4<f32>();
  var lo5 = vec4<f32>();
  var hi5 = vec4<f32>();
  var lo6 = vec4<f32>();
  var hi6 = vec4<f32>();
  var lo7 = vec4<f32>();
  var hi7 = vec4<f32>();
  for (var k = 0u; k < p.k; k++) {
    let right = k * p.n;
    let lo = vec4<f32>(w[right + b0], w[right + b1], w[right + b2], w[right + b3]);
    let hi = vec4<f32>(w[right + b4], w[right + b5], w[right + b6], w[right + b7]);
    let v0 = vec4<f32>(dy[a0 + k]);
    lo0 = fma(v0, lo, lo0);
    hi0 = fma(v0, hi, hi0);
    let v1 = vec4<f32>(dy[a1 + k]);
    lo1 = fma(v1, lo, lo1);
    hi1 = fma(v1, hi, hi1);
    let v2 = vec4<f32>(dy[a2 + k]);
    lo2 = fma(v2, lo, lo2);
    hi2 = fma(v2, hi, hi2);
    let v3 = vec4<f32>(dy[a3 + k]);
    lo3 = fma(v3, lo, lo3);
    hi3 = fma(v3, hi, hi3);
    let v4 = vec4<f32>(dy[a4 + k]);
    lo4 = fma(v4, lo, lo4);
    hi4 = fma(v4, hi, hi4);
    let v5 = vec4<f32>(dy[a5 + k]);
    lo5 = fma(v5, lo, lo5);
    hi5 = fma(v5, hi, hi5);
    let v6 = vec4<f32>(dy[a6 + k]);
    lo6 = fma(v6, lo, lo6);
    hi6 = fma(v6, hi, hi6);
    let v7 = vec4<f32>(dy[a7 + k]);
    lo7 = fma(v7, lo, lo7);
    hi7 = fma(v7, hi, hi7);
  }
  var tile = array<f32, 64>(
    lo0.x, lo0.y, lo0.z, lo0.w, hi0.x, hi0.y, hi0.z, hi0.w,
    lo1.x, lo1.y, lo1.z, lo1.w, hi1.x, hi1.y, hi1.z, hi1.w,
    lo2.x, lo2.y, lo2.z, lo2.w, hi2.x, hi2.y, hi2.z, hi2.w,
    lo3.x, lo3.y, lo3.z, lo3.w, hi3.x, hi3.y, hi3.z, hi3.w,
    lo4.x, lo4.y, lo4.z, lo4.w, hi4.x, hi4.y, hi4.z, hi4.w,
    lo5.x, lo5.y, lo5.z, lo5.w, hi5.x, hi5.y, hi5.z, hi5.w,
    lo6.x, lo6.y, lo6.z, lo6.w, hi6.x, hi6.y, hi6.z, hi6.w,
    lo7.x, lo7.y, lo7.z, lo7.w, hi7.x, hi7.y, hi7.z, hi7.w,
  );
  for (var i = 0u; i < 64u; i++) {
    let r = row + i / 8u;
    let c = col + i % 8u;
    if (r >= p.m || c >= p.n) { continue; }
    let at = r * p.n + c;
    if (p.accumulate != 0u) { dx[at] += tile[i]; } else { dx[at] = tile[i]; }
  }
}
