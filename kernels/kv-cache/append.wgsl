// Rotates the queries and keys of fresh rows by their positions (rope/forward.wgsl) and puts keys and values into the cache.
// qkv: (rows, (heads + 2 * kvHeads) * 2 * HALF): queries are rotated in place, keys and values only copied out;
// cache: (slots, capacity, 2, kvHeads, 2 * HALF), keys then values, so that a prefix of a slot is one range;
// table: (positions, HALF, 2) holds cos and sin. Row r goes to slot slots[r] at position positions[r]; a row whose slot is 0xffffffff is
// padding and skipped. One thread a pair of channels (i, i + HALF), a row of workgroups a row.
const HALF: u32 = 8u;

struct Params { rows: u32, heads: u32, kv_heads: u32, capacity: u32 }

@group(0) @binding(0) var<storage, read> slots: array<u32>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(4) var<storage, read_write> cache: array<f32>;
@group(0) @binding(5) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let row = gid.y;
  let head = gid.x / HALF;
  if (head >= p.heads + 2u * p.kv_heads) { return; }
  let pair = gid.x % HALF;
  let slot = slots[row];
  let position = positions[row];
  if (slot == 0xffffffffu || position >= p.capacity) { return; }
  let lo = (row * (p.heads + 2u * p.kv_heads) + head) * 2u * HALF + pair;
  let hi = lo + HALF;
  var x = vec2<f32>(qkv[lo], qkv[hi]);
  if (head < p.heads + p.kv_heads) {
    let turn = table[position * HALF + pair];
    x = vec2<f32>(x.x * turn.x - x.y * turn.y, x.y * turn.x + x.x * turn.y);
  }
  if (head < p.heads) {
    qkv[lo] = x.x;
    qkv[hi] = x.y;
  } else {
    let at = (((slot * p.capacity + position) * 2u * p.kv_heads) + head - p.heads) * 2u * HALF + pair;
    cache[at] = x.x;
    cache[at + HALF] = x.y;
  }
}
