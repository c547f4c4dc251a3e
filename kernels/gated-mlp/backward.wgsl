// Gradient of a gated MLP: dgate = dy * up * act'(gate), dup = dy * act(gate).
// silu: act = gate * s, act' = s * (1 + gate * (1 - s)) with s = sigmoid(gate).
// dy: (rows, hidden); gateUp and dGateUp: (rows, 2 * hidden). One thread an element of dy.
// 0: silu (Llama, Qwen, Mistral); 1: the tanh form of GELU (Gemma).
const GELU: u32 = 0u;

struct Params { rows: u32, hidden: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> gateUp: array<f32>;
@group(0) @binding(2) var<storage, read_write> dGateUp: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i >= p.rows * p.hidden) { return; }
  let row = i / p.hidden;
  let at = row * 2u * p.hidden + i % p.hidden;
  let gate = gateUp[at];
  let up = gateUp[at + p.hidden];
  if (GELU == 0u) {
    let s = 1.0 / (1.0 + exp(-gate));
    dGateUp[at] = dy[i] * up * s * (1.0 + gate * (1.0 - s));
    dGateUp[at + p.hidden] = dy[i] * gate * s;
  } else {
    let t = tanh(clamp(0.7978845608 * fma(0.044715 * gate * gate, gate, gate), -15.0, 15.0));
    let slope = 0.7978845608 * fma(0.134145 * gate, gate, 1.0);
    dGateUp[at] = dy[i] * up * 0.5 * (1.0 + t + gate * (1.0 - t * t) * slope);
    dGateUp[at + p.hidden] = dy[i] * 0.5 * gate * (1.0 + t);
  }
}
