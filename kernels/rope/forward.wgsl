// Rotates, in place, the pairs (i, i + half) of the first `heads` heads of every row by the angle of the row's position
// (rotary embedding in Hugging Face's half-split layout).  qkv: (rows, stride); table: (positions, half, 2) holds cos and sin,
// made on the CPU in double precision; positions: (rows) u32. direction = 1 rotates, -1 undoes it (which is also the backward pass,
// a rotation's gradient being the opposite rotation). One thread a pair.
struct Params { rows: u32, heads: u32, half: u32, stride: u32, direction: f32 }

@group(0) @binding(0) var<storage, read> positions: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let perRow = p.heads * p.half;
  let row = i / perRow;
  if (row >= p.rows) { return; }
  let head = (i % perRow) / p.half;
  let pair = i % p.half;
  let at = (positions[row] * p.half + pair) * 2u;
  let c = table[at];
  let s = table[at + 1u] * p.direction;
  let lo = row * p.stride + head * p.half * 2u + pair;
  let hi = lo + p.half;
  let a = qkv[lo];
  let b = qkv[hi];
  qkv[lo] = a * c - b * s;
  qkv[hi] = b * c + a * s;
}
