// Copies a prompt's cached keys and values to the slots of its samples: one prefill serves a whole GRPO group.
// from: (prompts, 2, kvHeads, capacity, headDim); to: (slots, 2, kvHeads, capacity, headDim); source[slot] is the prompt, or
// 0xffffffff for a slot to leave alone; lengths[slot] positions are copied. One thread an element of `to`.
struct Params { slots: u32, kv_heads: u32, head_dim: u32, from_capacity: u32, to_capacity: u32, span: u32 }

@group(0) @binding(0) var<storage, read> cacheFrom: array<f32>;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> cacheTo: array<f32>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let perHead = p.span * p.head_dim;
  let slotHead = i / perHead;
  let slot = slotHead / (2u * p.kv_heads);
  if (slot >= p.slots) { return; }
  let prompt = source[slot];
  let position = (i % perHead) / p.head_dim;
  if (prompt == 0xffffffffu || position >= lengths[slot]) { return; }
  let head = slotHead % (2u * p.kv_heads);
  let channel = i % p.head_dim;
  cacheTo[((slot * 2u * p.kv_heads + head) * p.to_capacity + position) * p.head_dim + channel] =
    cacheFrom[((prompt * 2u * p.kv_heads + head) * p.from_capacity + position) * p.head_dim + channel];
}
