// dtable[id] += scale * sum of dy over the rows that hold token id.  dy: (rows, dim); dtable: (vocab, dim).
// There are no float atomics in WGSL, and they would not be reproducible: the CPU sorts the rows by token (llm.c's scheme), so
//   ids[u] is the u-th distinct token, order[starts[u] .. starts[u + 1]] its rows in ascending order; counts[0] how many distinct.
// One thread for WIDTH channels of a distinct token.
// The table is rows `first` to `first + vocab` of the vocabulary.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;

struct Params { rows: u32, dim: u32, first: u32, vocab: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> dy: array<V>;
@group(0) @binding(5) var<storage, read_write> dtable: array<V>;
@group(0) @binding(6) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  let dim = p.dim / WIDTH;
  let u = i / dim;
  if (u >= counts[0]) { return; }
  let token = ids[u] - p.first;
  if (token >= p.vocab) { return; }
  let channel = i % dim;
  var total = V(0.0);
  for (var at = starts[u]; at < starts[u + 1u]; at++) { total += dy[order[at] * dim + channel]; }
  dtable[token * dim + channel] += p.scale * total;
}
