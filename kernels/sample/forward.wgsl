// Draws the next token of every slot from softmax(logits / temperature) by the Gumbel-max rule: argmax of z + g, g = -log(-log u).
// u comes from a counter: hash(seeds[slot], position, token), so a sample depends on its own seed and not on the batch around it.
// logits: (slots, vocab). state: (slots) vec4<u32> [position of the last token, done, token drawn, drawn count]: updated here.
// out: (capacity, slots) tokens; logps: (capacity, slots) log-probability of the drawn token at this temperature.
// inv_temperature = 0 means greedy. A slot that is done draws nothing (its token stays). One workgroup of 32 threads a slot.
// 1: logits pass through softcap * tanh(logit / softcap) first (Gemma 2).
const SOFTCAP: u32 = 0u;

struct Params { slots: u32, vocab: u32, capacity: u32, eos: u32, inv_temperature: f32, softcap: f32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> seeds: array<u32>;
@group(0) @binding(2) var<storage, read> limits: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(5) var<storage, read_write> positions: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(7) var<uniform> p: Params;

const LANES: u32 = 32u;
var<workgroup> top: array<f32, LANES>;
var<workgroup> topAt: array<u32, LANES>;
var<workgroup> sum: array<f32, LANES>;

fn hash(x: u32) -> u32 {
  // splitmix-style finaliser (public domain constants), as in src/core/random.ts.
  var h = x;
  h = (h ^ (h >> 16u)) * 0x21f0aaadu;
  h = (h ^ (h >> 15u)) * 0x735a2d97u;
  return h ^ (h >> 15u);
}

fn gumbel(seed: u32, position: u32, token: u32) -> f32 {
  let bits = hash(hash(hash(seed) ^ position) + token * 0x9e3779b9u);
  // 24 bits in the open interval (0, 1): never 0, never 1.
  let u = (f32(bits >> 8u) + 0.5) / 16777216.0;
  return -log(-log(u));
}

fn capped(logit: f32) -> f32 {
  if (SOFTCAP == 0u) { return logit; }
  return p.softcap * tanh(clamp(logit / p.softcap, -15.0, 15.0));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let slot = group.x;
  let base = slot * p.vocab;
  let now = state[slot];
  let greedy = p.inv_temperature == 0.0;
  let scale = select(p.inv_temperature, 1.0, greedy);
  var best = -3.0e38;
  var bestAt = 0u;
  var plain = -3.0e38;
  for (var j = lane; j < p.vocab; j += LANES) {
    let z = capped(logits[base + j]) * scale;
    plain = max(plain, z);
    var score = z;
    if (!greedy) { score += gumbel(seeds[slot], now.x, j); }
    if (score > best) { best = score; bestAt = j; }
  }
  top[lane] = best;
  topAt[lane] = bestAt;
  sum[lane] = plain;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) {
      let other = top[lane + half];
      if (other > top[lane] || (other == top[lane] && topAt[lane + half] < topAt[lane])) {
        top[lane] = other;
        topAt[lane] = topAt[lane + half];
      }
      sum[lane] = max(sum[lane], sum[lane + half]);
    }
    workgroupBarrier();
  }
  let m = sum[0];
  workgroupBarrier();
  var s = 0.0;
  for (var j = lane; j < p.vocab; j += LANES) { s += exp(capped(logits[base + j]) * scale - m); }
  sum[lane] = s;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half = half / 2u) {
    if (lane < half) { sum[lane] += sum[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u && now.y == 0u) {
    let token = topAt[0];
    let logp = capped(logits[base + token]) * scale - m - log(sum[0]);
    if (now.w < p.capacity) { out[slot * p.capacity + now.w] = vec2<u32>(token, bitcast<u32>(logp)); }
    let drawn = now.w + 1u;
    let done = select(0u, 1u, token == p.eos || drawn >= limits[slot]);
    state[slot] = vec4<u32>(now.x + 1u, done, token, drawn);
    tokens[slot] = token;
    positions[slot] = now.x + 1u;
  }
}
