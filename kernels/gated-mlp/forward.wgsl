// Gated MLP: y = act(gate) * up.  gateUp: (rows, 2 * hidden), gate first; y: (rows, hidden). One thread for WIDTH elements of y.
// 0: silu (Llama, Qwen, Mistral); 1: the tanh form of GELU (Gemma).
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
const GELU: u32 = 0u;

struct Params { rows: u32, hidden: u32 }

@group(0) @binding(0) var<storage, read> gateUp: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let hidden = p.hidden / WIDTH;
  if (i >= p.rows * hidden) { return; }
  let at = i / hidden * 2u * hidden + i % hidden;
  let gate = gateUp[at];
  let up = gateUp[at + hidden];
  if (GELU == 0u) {
    y[i] = gate / (1.0 + exp(-gate)) * up;
  } else {
    // tanh is 1 in f32 long before 15, and some drivers overflow on the way there.
    let t = tanh(clamp(0.7978845608 * fma(0.044715 * gate * gate, gate, gate), V(-15.0), V(15.0)));
    y[i] = 0.5 * gate * (1.0 + t) * up;
  }
}
