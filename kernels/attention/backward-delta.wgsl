// delta[row, head] = sum over i of do * o, the term all scores of a softmax row share in its gradient (Dao 2022).
// o and do: (rows, heads * HEAD_DIM); delta: (rows, heads). One thread a (row, head).
const HEAD_DIM: u32 = 16u;

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> dOut: array<f32>;
@group(0) @binding(1) var<storage, read> o: array<f32>;
@group(0) @binding(2) var<storage, read_write> delta: array<f32>;
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = gid.x + gid.y * groups.x * 64u;
  if (i >= p.count) { return; }
  var total = 0.0;
  for (var c = 0u; c < HEAD_DIM; c++) { total = fma(dOut[i * HEAD_DIM + c], o[i * HEAD_DIM + c], total); }
  delta[i] = total;
}
