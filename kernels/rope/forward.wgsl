// Rotates, in place, the pairs (i, i + half) of the first `heads` heads of every row by the angle of the row's position
// (rotary embedding in Hugging Face's half-split layout).  qkv: (rows, stride); table: (positions, half, 2) holds cos and sin,
// made on the CPU in double precision; positions: (rows) u32. direction = 1 rotates, -1 undoes it (which is also the backward pass,
// a rotation's gradient being the opposite rotation). One thread for WIDTH pairs; V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
fn evens(a: V, b: V) -> V { return a; }
fn odds(a: V, b: V) -> V { return b; }

struct Params { rows: u32, heads: u32, half: u32, stride: u32, direction: f32 }

@group(0) @binding(0) var<storage, read> positions: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<V>;
@group(0) @binding(2) var<storage, read_write> qkv: array<V>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let half = p.half / WIDTH;
  let perRow = p.heads * half;
  let row = i / perRow;
  if (row >= p.rows) { return; }
  let head = (i % perRow) / half;
  let pair = i % half;
  let at = (positions[row] * half + pair) * 2u;
  let c = evens(table[at], table[at + 1u]);
  let s = odds(table[at], table[at + 1u]) * p.direction;
  let lo = row * (p.stride / WIDTH) + head * half * 2u + pair;
  let hi = lo + half;
  let a = qkv[lo];
  let b = qkv[hi];
  qkv[lo] = a * c - b * s;
  qkv[hi] = b * c + a * s;
}
