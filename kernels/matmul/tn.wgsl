// dW = dY^T X, in `splits` parts of the rows.  dY: (K, M), X: (K, N), parts: (splits, M, N), all f32 row-major.
// The weight gradient of nt.wgsl: M its outputs, N its inputs, K the tokens. M and N are small and K is long, so K is cut into
// `splits` ranges (grid z), each with its own partial result; reduce/sum-parts.wgsl adds them in a fixed order. No atomics.
// Same tile of named registers as nt.wgsl.
// dY may be columns `first` to `first + m` of a matrix with `stride` columns. With one part `accumulate` may add to what is there.
struct Params { m: u32, n: u32, k: u32, splits: u32, accumulate: u32, stride: u32, first: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> parts: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(4, 2)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let row = gid.y * 8u;
  let col = gid.x * 8u;
  if (row >= p.m || col >= p.n) { return; }
  // Rows and columns past the edge read the last one and are not stored, so the loop has no branches.
  let lastRow = p.m - 1u;
  let lastCol = p.n - 1u;
  let a0 = min(row, lastRow);
  let a1 = min(row + 1u, lastRow);
  let a2 = min(row + 2u, lastRow);
  let a3 = min(row + 3u, lastRow);
  let a4 = min(row + 4u, lastRow);
  let a5 = min(row + 5u, lastRow);
  let a6 = min(row + 6u, lastRow);
  let a7 = min(row + 7u, lastRow);
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
  let span = (p.k + p.splits - 1u) / p.splits;
  let begin = gid.z * span;
  let end = min(begin + span, p.k);
  for (var k = begin; k < end; k++) {
    let right = k * p.n;
    let left = k * p.stride + p.first;
    let lo = vec4<f32>(x[right + b0], x[right + b1], x[right + b2], x[right + b3]);
    let hi = vec4<f32>(x[right + b4], x[right + b5], x[right + b6], x[right + b7]);
    let v0 = vec4<f32>(dy[left + a0]);
    lo0 = fma(v0, lo, lo0);
    hi0 = fma(v0, hi, hi0);
    let v1 = vec4<f32>(dy[left + a1]);
    lo1 = fma(v1, lo, lo1);
    hi1 = fma(v1, hi, hi1);
    let v2 = vec4<f32>(dy[left + a2]);
    lo2 = fma(v2, lo, lo2);
    hi2 = fma(v2, hi, hi2);
    let v3 = vec4<f32>(dy[left + a3]);
    lo3 = fma(v3, lo, lo3);
    hi3 = fma(v3, hi, hi3);
    let v4 = vec4<f32>(dy[left + a4]);
    lo4 = fma(v4, lo, lo4);
    hi4 = fma(v4, hi, hi4);
    let v5 = vec4<f32>(dy[left + a5]);
    lo5 = fma(v5, lo, lo5);
    hi5 = fma(v5, hi, hi5);
    let v6 = vec4<f32>(dy[left + a6]);
    lo6 = fma(v6, lo, lo6);
    hi6 = fma(v6, hi, hi6);
    let v7 = vec4<f32>(dy[left + a7]);
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
    if (p.accumulate != 0u) { parts[at] += tile[i]; } else { parts[gid.z * p.m * p.n + at] = tile[i]; }
  }
}
