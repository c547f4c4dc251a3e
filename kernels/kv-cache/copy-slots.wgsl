// Copies the first positions of one slot's cached keys and values to another, for prompts that begin alike: one prefill serves a GRPO group.
// cache: (slots, capacity, width); source[slot] is the slot to copy from, or 0xffffffff; lengths[slot] positions are copied. A slot that is
// copied from is not copied to. A row of workgroups a slot, each walking its share of the range.
struct Params { slots: u32, capacity: u32, width: u32 }

@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;
@group(0) @binding(2) var<storage, read_write> cache: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let slot = gid.y;
  let prompt = source[slot];
  if (prompt == 0xffffffffu) { return; }
  let size = min(lengths[slot], p.capacity) * p.width;
  let to = slot * p.capacity * p.width;
  let from_ = prompt * p.capacity * p.width;
  for (var i = gid.x; i < size; i += groups.x * 32u) { cache[to + i] = cache[from_ + i]; }
}
