// Copies the rotated keys and values of fresh rows into the cache.  qkv: (rows, (heads + 2 * kvHeads) * headDim);
// cache: (slots, 2, kvHeads, capacity, headDim), keys then values. Row r goes to slot slots[r] at position positions[r]; a row whose
// slot is 0xffffffff is padding and skipped. Several rows of a prompt fill one slot (prefill); in decoding there is a row a slot.
// One thread an element.
struct Params { rows: u32, heads: u32, kv_heads: u32, head_dim: u32, capacity: u32 }

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> slots: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let perRow = 2u * p.kv_heads * p.head_dim;
  let row = i / perRow;
  if (row >= p.rows) { return; }
  let slot = slots[row];
  if (slot == 0xffffffffu || positions[row] >= p.capacity) { return; }
  let head = (i % perRow) / p.head_dim;
  let channel = i % p.head_dim;
  let source = row * (p.heads + 2u * p.kv_heads) * p.head_dim + (p.heads + head) * p.head_dim + channel;
  cache[((slot * 2u * p.kv_heads + head) * p.capacity + positions[row]) * p.head_dim + channel] = qkv[source];
}
