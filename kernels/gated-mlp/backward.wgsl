// Gradient of a gated MLP: dgate = dy * up * act'(gate), dup = dy * act(gate).
// silu: act = gate * s, act' = s * (1 + gate * (1 - s)) with s = sigmoid(gate).
// dy: (rows, hidden); gateUp and dGateUp: (rows, 2 * hidden). One thread for WIDTH elements of dy.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
// 0: silu (Llama, Qwen, Mistral); 1: the tanh form of GELU (Gemma).
const GELU: u32 = 0u;

struct Params { rows: u32, hidden: u32 }

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> gateUp: array<V>;
@group(0) @binding(2) var<storage, read_write> dGateUp: array<V>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let hidden = p.hidden / WIDTH;
  if (i >= p.rows * hidden) { return; }
  let at = i / hidden * 2u * hidden + i % hidden;
  let gate = gateUp[at];
  let up = gateUp[at + hidden];
  if (GELU == 0u) {
    let s = 1.0 / (1.0 + exp(-gate));
    dGateUp[at] = dy[i] * up * s * (1.0 + gate * (1.0 - s));
    dGateUp[at + hidden] = dy[i] * gate * s;
  } else {
    let t = tanh(clamp(0.7978845608 * fma(0.044715 * gate * gate, gate, gate), V(-15.0), V(15.0)));
    let slope = 0.7978845608 * fma(0.134145 * gate, gate, V(1.0));
    dGateUp[at] = dy[i] * up * 0.5 * (1.0 + t + gate * (1.0 - t * t) * slope);
    dGateUp[at + hidden] = dy[i] * 0.5 * gate * (1.0 + t);
  }
}
