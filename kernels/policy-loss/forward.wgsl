// Clipped policy loss of GRPO (PPO's surrogate, Schulman 2017; TRL's names) per token, and its derivative with respect to logp.
//   r = exp(logp - old);  l = -min(r * A, clamp(r, 1 - eps_low, 1 + eps_high) * A) + beta * (exp(ref - logp) - (ref - logp) - 1)
// inputs: (rows) vec4 [old logp, advantage, normaliser, reference logp]; `normaliser` is the token's share of the loss (0 for prompt and
// padding), so the same kernel serves every loss type: grpo, bnpo, dr_grpo, dapo differ only in it.
// stats: (rows) from cross-entropy/forward; weights: (rows) vec2 [dL/dlogp, dL/dentropy] for cross-entropy/backward;
// terms: (rows) vec4 [l * normaliser, clipped (0, 1 low, 2 high), k3, ratio]. One thread a row.
struct Params { rows: u32, eps_low: f32, eps_high: f32, beta: f32, entropy_coef: f32 }

@group(0) @binding(0) var<storage, read> stats: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> weights: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> terms: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let row = gid.x + gid.y * groups.x * 64u;
  if (row >= p.rows) { return; }
  let given = inputs[row];
  if (given.z == 0.0) {
    weights[row] = vec2<f32>(0.0, 0.0);
    terms[row] = vec4<f32>(0.0, 0.0, 0.0, 1.0);
    return;
  }
  let logp = stats[row].x;
  let advantage = given.y;
  // verl clamps the log-ratio to +-20 so that a wild token cannot overflow.
  let ratio = exp(clamp(logp - given.x, -20.0, 20.0));
  let plain = ratio * advantage;
  let clipped = clamp(ratio, 1.0 - p.eps_low, 1.0 + p.eps_high) * advantage;
  let inside = plain <= clipped;
  let gap = clamp(given.w - logp, -20.0, 20.0);
  let k3 = exp(gap) - gap - 1.0;
  var loss = -min(plain, clipped);
  var slope = select(0.0, -plain, inside);
  var flag = 0.0;
  if (!inside) { flag = select(2.0, 1.0, ratio < 1.0); }
  if (p.beta != 0.0) {
    loss += p.beta * k3;
    slope += p.beta * (1.0 - exp(gap));
  }
  weights[row] = vec2<f32>(slope * given.z, -p.entropy_coef * given.z);
  terms[row] = vec4<f32>(loss * given.z, flag, k3, ratio);
}
