// Included by the kernels that pack halves: a float's bits as a half, to the nearest, ties to even, subnormals kept, beyond 65504
// infinite, NaN stays NaN. Written out in integers because WGSL leaves pack2x16float's rounding and overflow open (SwiftShader packs 70000
// into a NaN).
fn half_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  // Below 2^-14 adding 0.5 rounds to multiples of 2^-24, a half's subnormal step.
  if (size < 0x38800000u) { return sign | (bitcast<u32>(bitcast<f32>(size) + 0.5) - 0x3f000000u); }
  return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u);
}
