// partial[first + g] = sum of squares of the g-th slice of x. One workgroup a slice of `span` elements; 64 threads stride
// through it, then a tree in workgroup memory. Fixed order, so the global norm is reproducible.
// V is f32 or vec4<f32> (KernelSpec.width).
alias V = f32;
const WIDTH: u32 = 1u;
fn across(v: V) -> f32 { return v; }

struct Params { size: u32, span: u32, first: u32 }

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

var<workgroup> tree: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let begin = group.x * p.span / WIDTH;
  let end = min(begin + p.span / WIDTH, p.size / WIDTH);
  var total = V(0.0);
  for (var i = begin + lane; i < end; i += 64u) { total = fma(x[i], x[i], total); }
  tree[lane] = across(total);
  workgroupBarrier();
  for (var half = 32u; half > 0u; half = half / 2u) {
    if (lane < half) { tree[lane] += tree[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { partial[p.first + group.x] = tree[0]; }
}
