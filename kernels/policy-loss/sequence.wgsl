// What a sequence's ratio needs (GSPO, Zheng et al. 2025; TRL's importance_sampling_level: sequence): the mean over its tokens of logp - old, and
// of the KL estimate (whose sum enters the derivative when the KL is multiplied by that ratio). Written to every row of the sequence.
// stats: (rows) vec4 from cross-entropy/forward; inputs: (rows) vec4 [old logp, advantage, normaliser, reference logp];
// spans: [sequences, then first row and length of each]; sequence: (rows) vec2 [mean log ratio, mean KL], other rows untouched.
// A workgroup takes sequences group, group + groups, ...; 64 threads stride over one, then a tree: a fixed order.

// As in forward.wgsl.
const KL: u32 = 0u;

struct Params { rows: u32 }

@group(0) @binding(0) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> spans: array<u32>;
@group(0) @binding(3) var<storage, read_write> sequence: array<vec2<f32>>;
@group(0) @binding(4) var<uniform> p: Params;

const LANES: u32 = 64u;
var<workgroup> tree: array<vec2<f32>, LANES>;
// Read through workgroup memory, so that the loop bound is uniform to the compiler.
var<workgroup> count: u32;

fn estimate(gap: f32) -> f32 {
  if (KL == 1u || KL == 4u) { return -gap; }
  if (KL == 2u) { return 0.5 * gap * gap; }
  return exp(gap) - gap - 1.0;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  if (lane == 0u) { count = min(spans[0], p.rows); }
  let sequences = workgroupUniformLoad(&count);
  for (var s = group.x; s < sequences; s += groups.x) {
    let first = spans[1u + s * 2u];
    let length = spans[2u + s * 2u];
    var total = vec2<f32>(0.0, 0.0);
    for (var t = lane; t < length; t += LANES) {
      let logp = stats[first + t].x;
      let given = inputs[first + t];
      total.x += logp - given.x;
      if (KL != 0u) { total.y += estimate(clamp(given.w - logp, -20.0, 20.0)); }
    }
    tree[lane] = total;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half = half / 2u) {
      if (lane < half) { tree[lane] += tree[lane + half]; }
      workgroupBarrier();
    }
    let mean = tree[0] / f32(max(length, 1u));
    for (var t = lane; t < length; t += LANES) { sequence[first + t] = mean; }
    workgroupBarrier();
  }
}
