// y[row] = scale * table[tokens[row]] (Gemma scales by the root of its width).
//  tokens: (rows) u32; table: (vocab, dim); y: (rows, dim). One thread an element.
// The table is rows `first` to `first + vocab` of the vocabulary; rows of other tokens are left alone.
struct Params { rows: u32, dim: u32, first: u32, vocab: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> tokens: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i >= p.rows * p.dim) { return; }
  let token = tokens[i / p.dim] - p.first;
  if (token >= p.vocab) { return; }
  y[i] = p.scale * table[token * p.dim + i % p.dim];
}
