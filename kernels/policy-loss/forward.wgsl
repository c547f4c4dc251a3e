// Clipped policy loss of GRPO (PPO's surrogate, Schulman 2017; TRL's names) per token, and its derivative with respect to logp.
//   r = exp(logp - old), or exp(mean of it over the sequence) (GSPO);  d = min(r, delta);  A the advantage
//   l = -min(d * A, clamp(r, 1 - eps_low, 1 + eps_high) * A) + beta * kl * (r with bias correction, else 1)
// The derivative is that of the sum over the sequence: with a sequence's r every token gets 1 / n of it and there are n such terms, so it
// looks like the token's own. inputs: (rows) vec4 [old logp, advantage, normaliser, reference logp]; `normaliser` is the token's share of the
// loss (0 for prompt and padding), so one kernel serves every loss type: grpo, bnpo, dr_grpo, dapo differ only in it.
// stats: (rows) from cross-entropy/forward; sequence: (rows) vec2 from sequence.wgsl [mean log ratio, mean KL], of 4 elements where SEQUENCE is 0;
// options: [entropy bonus of a token]; weights: (rows) vec2 [dL/dlogp, dL/dentropy] for cross-entropy/backward;
// terms: (rows, 5) [l * normaliser, clipped (0, 1 low, 2 high, 3 by delta), kl, log ratio of the token, entropy]. One thread a row.

// 1: the ratio is that of the sequence.
const SEQUENCE: u32 = 0u;
// KL estimator (Schulman 2020, http://joschu.net/blog/kl-approx.html): 0 none, 1 k1, 2 k2, 3 k3, 4 k1 and 5 k3 with the gradient of k2 (verl's k1+, k3+).
const KL: u32 = 0u;
// 1: the KL is multiplied by the ratio (TRL's use_bias_correction_kl).
const BIAS_CORRECTION: u32 = 0u;

struct Params { rows: u32, eps_low: f32, eps_high: f32, delta: f32, beta: f32 }

@group(0) @binding(0) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> sequence: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> options: array<f32>;
@group(0) @binding(4) var<storage, read_write> weights: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> terms: array<f32>;
@group(0) @binding(6) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = gid.x + gid.y * groups.x * 64u;
  if (row >= p.rows) { return; }
  let given = inputs[row];
  let at = row * 5u;
  if (given.z == 0.0) {
    weights[row] = vec2<f32>(0.0, 0.0);
    for (var i = 0u; i < 5u; i++) { terms[at + i] = 0.0; }
    return;
  }
  let logp = stats[row].x;
  let advantage = given.y;
  let logRatio = logp - given.x;
  var whole = logRatio;
  if (SEQUENCE != 0u) { whole = sequence[row].x; }
  // verl clamps the log-ratio to +-20 so that a wild token cannot overflow.
  let ratio = exp(clamp(whole, -20.0, 20.0));
  let capped = p.delta > 0.0 && ratio > p.delta;
  let plain = select(ratio, p.delta, capped) * advantage;
  let clipped = clamp(ratio, 1.0 - p.eps_low, 1.0 + p.eps_high) * advantage;
  let inside = plain <= clipped;
  var loss = -min(plain, clipped);
  var slope = select(0.0, -plain, inside && !capped);
  var flag = 0.0;
  if (!inside) { flag = select(2.0, 1.0, ratio < 1.0); } else if (capped) { flag = 3.0; }
  var kl = 0.0;
  if (KL != 0u) {
    let gap = clamp(given.w - logp, -20.0, 20.0);
    var klSlope = -gap;
    if (KL == 1u || KL == 4u) { kl = -gap; } else if (KL == 2u) { kl = 0.5 * gap * gap; } else { kl = exp(gap) - gap - 1.0; }
    if (KL == 1u) { klSlope = 1.0; } else if (KL == 3u) { klSlope = 1.0 - exp(gap); }
    var factor = 1.0;
    if (BIAS_CORRECTION != 0u) {
      factor = ratio;
      if (SEQUENCE != 0u) { klSlope += sequence[row].y; } else { klSlope += kl; }
    }
    kl *= factor;
    loss += p.beta * kl;
    slope += p.beta * klSlope * factor;
  }
  weights[row] = vec2<f32>(slope * given.z, -options[0]);
  terms[at] = loss * given.z;
  terms[at + 1u] = flag;
  terms[at + 2u] = kl;
  terms[at + 3u] = logRatio;
  terms[at + 4u] = stats[row].z;
}
