// One AdamW step over a slab of parameters (Loshchilov and Hutter 2019; decay decoupled from the moments).
//   g = grad * clip;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   w = w - lr * decay * w - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
// step: [lr, 1 - b1^t, 1 - b2^t] for this step, data and not constants, so one recorded plan serves every step.
// clip: [norm, factor, skip] from reduce/clip-scale.wgsl. One thread for WIDTH elements.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;

struct Params { size: u32, beta1: f32, beta2: f32, eps: f32, weight_decay: f32 }

@group(0) @binding(0) var<storage, read_write> w: array<V>;
@group(0) @binding(1) var<storage, read> grad: array<V>;
@group(0) @binding(2) var<storage, read_write> m: array<V>;
@group(0) @binding(3) var<storage, read_write> v: array<V>;
@group(0) @binding(4) var<storage, read> step: array<f32>;
@group(0) @binding(5) var<storage, read> clip: array<f32>;
@group(0) @binding(6) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i * WIDTH >= p.size || clip[2] != 0.0) { return; }
  let g = grad[i] * clip[1];
  let m1 = p.beta1 * m[i] + (1.0 - p.beta1) * g;
  let v1 = p.beta2 * v[i] + (1.0 - p.beta2) * g * g;
  m[i] = m1;
  v[i] = v1;
  let lr = step[0];
  let update = (m1 / step[1]) / (sqrt(v1 / step[2]) + p.eps);
  w[i] = w[i] * (1.0 - lr * p.weight_decay) - lr * update;
}
