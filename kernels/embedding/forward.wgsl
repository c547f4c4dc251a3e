// y[row] = scale * table[tokens[row]] (Gemma scales by the root of its width).
//  tokens: (rows) u32; table: (vocab, dim); y: (rows, dim). One thread for WIDTH elements.
// The table is rows `first` to `first + vocab` of the vocabulary; rows of other tokens are left alone.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;

struct Params { rows: u32, dim: u32, first: u32, vocab: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let dim = p.dim / WIDTH;
  if (i >= p.rows * dim) { return; }
  let token = tokens[i / dim] - p.first;
  if (token >= p.vocab) { return; }
  y[i] = p.scale * table[token * dim + i % dim];
}
