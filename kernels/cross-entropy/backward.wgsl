// Turns logits into their gradient, in place, for a loss  L = sum over rows of weight.x * logp(target) + weight.y * entropy:
//   dz_j = weight.x * (onehot_j - p_j) - weight.y * p_j * (log p_j + entropy),  dlogits = dz * inv_temperature,
// and with z_loss c the term  c * -weight.x * lse^2  (PaLM's auxiliary loss), whose gradient is  -2 c * weight.x * lse * p_j.
// Cross-entropy is weight.x = -mask / count; a policy loss puts its own derivative there (kernels/policy-loss). Rows of weight 0 give 0.
// logits: (rows, vocab) chunk; targets, stats, weights: whole batch; `first` is the chunk's first row. One thread for WIDTH logits.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
const LANES: V = V(0.0);
// 1: logits pass through softcap * tanh(logit / softcap) first (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { rows: u32, vocab: u32, first: u32, inv_temperature: f32, softcap: f32, z_loss: f32 }

@group(0) @binding(0) var<storage, read> targets: array<u32>;
@group(0) @binding(1) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weights: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> logits: array<V>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let vocab = p.vocab / WIDTH;
  if (i >= p.rows * vocab) { return; }
  let row = p.first + i / vocab;
  let j = i % vocab * WIDTH;
  let weight = weights[row];
  let stat = stats[row];
  var logit = logits[i];
  var slope = V(p.inv_temperature);
  if (SOFTCAP != 0u) {
    let t = tanh(clamp(logit / p.softcap, V(-15.0), V(15.0)));
    logit = p.softcap * t;
    slope *= 1.0 - t * t;
  }
  let logp = logit * p.inv_temperature - stat.y;
  let prob = exp(logp);
  // The target's place among these logits, or far beyond them.
  let onehot = select(V(0.0), V(1.0), LANES == V(f32(targets[row] - j)));
  let z = 2.0 * p.z_loss * weight.x * stat.y * prob;
  logits[i] = (weight.x * (onehot - prob) - weight.y * prob * (logp + stat.z) - z) * slope;
}
