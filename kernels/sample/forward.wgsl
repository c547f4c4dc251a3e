// Draws the next token of every row from softmax(logits / temperature), cut by top-k, then top-p, then min-p (the order of transformers), by
// the Gumbel-max rule: argmax of z + g, g = -log(-log u), z = logits * inv_temperature. u is hash(seed, position, token), so a sample
// depends on its own seed and not on the rows around it.
// logits: (rows, vocab). settings: (rows, 8) u32: seed, bits of inv_temperature (0: greedy, no cuts), top-k (0: off), bits of top-p
// (1: off), bits of ln(min-p) (below -1e30: off), three end tokens (0xffffffff: none). state: (rows) vec4<u32>: position of the last token,
// done, tokens drawn since the CPU looked, tokens left to draw; updated here, as are tokens and positions, the next step's inputs.
// out: (capacity, rows): token and the bits of its log-probability at this temperature over the whole vocabulary, before any cut.
// Every cut is a least z: tokens equal to it are all kept. It is found digit by digit of its sortable bits, from histograms of whole numbers
// (counts, or probabilities in units of 2^-30), so the order of threads does not matter. A row that is done draws nothing.
// One workgroup of 32 threads a row.
// 1: logits pass through softcap * tanh(logit / softcap) first (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { rows: u32, vocab: u32, capacity: u32, softcap: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> settings: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(4) var<storage, read_write> positions: array<u32>;
@group(0) @binding(5) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(6) var<uniform> p: Params;

const UNIT: f32 = 1073741824.0;
var<workgroup> now: vec4<u32>;
var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> picked: vec2<u32>;

fn hash(x: u32) -> u32 {
  // splitmix-style finaliser (public domain constants), as in src/core/random.ts.
  var h = x;
  h = (h ^ (h >> 16u)) * 0x21f0aaadu;
  h = (h ^ (h >> 15u)) * 0x735a2d97u;
  return h ^ (h >> 15u);
}

// -log(-log u), u = (b + 1/2) / 2^24 for the 24 bits b. Near 1 the inner log is a series in w = 1 - u: f32 rounds such a u to 1, and WGSL
// allows its log an absolute error that is larger than the value.
fn gumbel(b: u32) -> f32 {
  let w = (f32(16777215u - b) + 0.5) / 16777216.0;
  let near = w * (1.0 + w * (0.5 + w * (0.33333334 + w * 0.25)));
  return -log(select(-log((f32(b) + 0.5) / 16777216.0), near, w < 0.015625));
}

// More than any g of these bits, without a logarithm: -log u >= w, and floor(log2 w) is an exponent.
fn gumbelBound(b: u32) -> f32 {
  let exponent = bitcast<u32>(f32(16777215u - b) + 0.5) >> 23u;
  return 0.01 + 0.69314724 * f32(151 - i32(exponent));
}

fn capped(logit: f32) -> f32 {
  if (SOFTCAP == 0u) { return logit; }
  return p.softcap * tanh(clamp(logit / p.softcap, -15.0, 15.0));
}

// Whole numbers in the order of the floats; -0 counts as 0.
fn keyOf(z: f32) -> u32 {
  let bits = bitcast<u32>(z + 0.0);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

// The key of the last token, from the largest down, before which less than `goal` has been seen. A token weighs exp(z - m) * unit, rounded,
// or 1 where unit is 0. Only keys of at least `least` count.
fn cutAt(lane: u32, base: u32, scale: f32, m: f32, least: u32, unit: f32, goal: u32) -> u32 {
  var prefix = 0u;
  var above = 0u;
  for (var digit = 0u; digit < 4u; digit++) {
    let shift = 24u - 8u * digit;
    let decided = select(0xffffffffu << (shift + 8u), 0u, digit == 0u);
    for (var bin = lane; bin < 256u; bin += LANES) { atomicStore(&bins[bin], 0u); }
    workgroupBarrier();
    for (var j = lane; j < p.vocab; j += LANES) {
      let z = capped(logits[base + j]) * scale;
      let key = keyOf(z);
      // A loop that runs once at most: software adapters skip a loop that no thread enters, but compute both sides of an if.
      for (var open = (key & decided) == prefix && key >= least; open; open = false) {
        var weight = 1u;
        if (unit != 0.0) { weight = u32(exp(z - m) * unit + 0.5); }
        atomicAdd(&bins[(key >> shift) & 255u], weight);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var seen = above;
      for (var bin = 256u; bin > 0u; bin--) {
        let weight = atomicLoad(&bins[bin - 1u]);
        if (weight == 0u) { continue; }
        picked = vec2<u32>(prefix | ((bin - 1u) << shift), seen);
        seen += weight;
        if (seen >= goal) { break; }
      }
    }
    workgroupBarrier();
    prefix = picked.x;
    above = picked.y;
    workgroupBarrier();
  }
  return prefix;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  if (lane == 0u) { now = state[row]; }
  let before = workgroupUniformLoad(&now);
  if (before.y != 0u) { return; }
  let base = row * p.vocab;
  let how = settings[row * 2u];
  let more = settings[row * 2u + 1u];
  let greedy = how.y == 0u;
  let scale = select(bitcast<f32>(how.y), 1.0, greedy);
  let topP = bitcast<f32>(how.w);
  let minP = bitcast<f32>(more.x);
  var least = 0u;
  if (!greedy && (how.z != 0u || topP < 1.0 || minP > -1e30)) {
    var largest = -3.0e38;
    for (var j = lane; j < p.vocab; j += LANES) { largest = max(largest, capped(logits[base + j]) * scale); }
    let m = largestOf(lane, largest);
    if (how.z != 0u) { least = cutAt(lane, base, scale, m, 0u, 0.0, how.z); }
    if (topP < 1.0) {
      // Less than half a unit each: they weigh nothing.
      least = max(least, keyOf(m - 22.0));
      var s = 0.0;
      for (var j = lane; j < p.vocab; j += LANES) {
        let z = capped(logits[base + j]) * scale;
        if (keyOf(z) >= least) { s += exp(z - m); }
      }
      let total = totalOf(lane, s);
      least = max(least, cutAt(lane, base, scale, m, least, UNIT / total, max(1u, u32(ceil(topP * UNIT)))));
    }
    if (minP > -1e30) { least = max(least, keyOf(m + minP)); }
  }
  let rowHash = hash(hash(how.x) ^ before.x);
  var best = -3.0e38;
  var bestAt = 0u;
  var plain = -3.0e38;
  for (var j = lane; j < p.vocab; j += LANES) {
    let z = capped(logits[base + j]) * scale;
    plain = max(plain, z);
    if (greedy) {
      if (z > best) { best = z; bestAt = j; }
    } else {
      let b = hash(rowHash + j * 0x9e3779b9u) >> 8u;
      for (var open = z + gumbelBound(b) > best && keyOf(z) >= least; open; open = false) {
        let score = z + gumbel(b);
        if (score > best) { best = score; bestAt = j; }
      }
    }
  }
  let m = largestOf(lane, plain);
  settleTop(lane, best, bestAt);
  var s = 0.0;
  for (var j = lane; j < p.vocab; j += LANES) { s += exp(capped(logits[base + j]) * scale - m); }
  let total = totalOf(lane, s);
  if (lane == 0u) {
    let token = topAt[0];
    let logp = capped(logits[base + token]) * scale - m - log(total);
    if (before.z < p.capacity) { out[before.z * p.rows + row] = vec2<u32>(token, bitcast<u32>(logp)); }
    let ended = token == more.y || token == more.z || token == more.w || before.w <= 1u;
    state[row] = vec4<u32>(before.x + 1u, select(0u, 1u, ended), before.z + 1u, before.w - min(1u, before.w));
    tokens[row] = token;
    positions[row] = before.x + 1u;
  }
}

// include sample/lanes.wgsl
