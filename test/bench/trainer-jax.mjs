/** The rows of bench:trainer in jax-js, compiled by jit. Its arrays are consumed by what takes them; `.ref` keeps one. */
import { tokensOf, values } from './trainer-rows.ts';

const sampled = (data) => Array.from({ length: 32 }, (_, i) => data[Math.floor((i * data.length) / 32)]);

export async function open(load, device) {
  const jax = await load('@jax-js/jax');
  const { numpy: np, nn, jit, valueAndGrad, grad } = jax;
  await jax.init(device);
  jax.defaultDevice(device);
  const array = (data, shape) => np.array(data, { shape });
  const ready = async (x) => {
    await jax.blockUntilReady(x);
  };

  /** Runs `call` (returns one array) often and waits for every result; the last one is kept. */
  const repeated = (call) => {
    let last;
    return {
      async run(times) {
        // All are kept until all are done: work whose result is disposed of before it began is never done.
        const results = [];
        for (let i = 0; i < times; i++) results.push(call());
        for (const result of results) await ready(result.ref);
        last?.dispose();
        last = results.pop();
        for (const result of results) result.dispose();
        await last.ref.data();
      },
      check: async () => sampled(await last.ref.data()),
    };
  };

  function matmul({ op, m, n, k }) {
    const a = array(values(m * k, 1), op === 'tn' ? [k, m] : [m, k]);
    const b = array(values(k * n, 2), op === 'nt' ? [n, k] : [k, n]);
    const product = jit((x, y) =>
      np.matmul(op === 'tn' ? np.transpose(x) : x, op === 'nt' ? np.transpose(y) : y),
    );
    return repeated(() => product(a.ref, b.ref));
  }

  function attention({ batch, seq, heads, headDim }) {
    const size = batch * seq * heads * headDim;
    const qkv = array(values(size * 3, 1, 4), [batch, seq, 3, heads, headDim]);
    const dOut = array(values(size, 2), [batch, seq, heads, headDim]);
    const weighted = (x, d) => {
      const [q, k, v] = [0, 1, 2].map((i) => x.ref.slice([], [], i));
      x.dispose();
      return nn.dotProductAttention(q, k, v, { isCausal: true }).mul(d).sum();
    };
    const gradient = jit(grad(weighted));
    return repeated(() => gradient(qkv.ref, dOut.ref));
  }

  const losses = (logits, targets, vocab) =>
    nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, vocab)).sum().mul(-1);

  function crossEntropy({ rows, vocab }) {
    const logits = array(values(rows * vocab, 1, 4), [rows, vocab]);
    const targets = np.array(Int32Array.from(tokensOf(rows, vocab, 3)));
    const gradient = jit(grad((x, t) => losses(x, t, vocab)));
    return repeated(() => gradient(logits.ref, targets.ref));
  }

  function step({ config, batch, seq, lr, tensors }) {
    const { dim, heads, headDim, vocabSize, normEps, ropeTheta, layers } = config;
    const count = batch * seq;
    const start = tensors.map(({ shape, seed, scale }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return array(shape.length === 1 ? new Float32Array(size).fill(1) : values(size, seed, scale), [
        ...shape,
      ]);
    });
    const index = Object.fromEntries(tensors.map(({ name }, i) => [name, i]));
    const tokens = np.array(Int32Array.from(tokensOf(count, vocabSize, 3)));
    const targets = np.array(Int32Array.from(tokensOf(count, vocabSize, 4)));
    const angles = Float32Array.from({ length: seq * headDim }, (_, i) => {
      const half = headDim / 2;
      return Math.floor(i / headDim) * ropeTheta ** ((-2 * ((i % headDim) % half)) / headDim);
    });
    const [cos, sin] = [Math.cos, Math.sin].map((f) => array(angles.map(f), [1, seq, 1, headDim]));
    const loss = (params, tok, tgt, c, s) => {
      const get = (name) => params[index[name]].ref;
      const norm = (x, w) => {
        const scale = x.ref.mul(x.ref).mean(-1, { keepdims: true }).add(normEps);
        return x.div(np.sqrt(scale)).mul(w);
      };
      const linear = (x, w) => np.matmul(x, np.transpose(w));
      const rotate = (x) => {
        const [a, b] = np.split(x.ref, 2, -1);
        return x.mul(c.ref).add(np.concatenate([b.mul(-1), a], -1).mul(s.ref));
      };
      let x = np.matmul(nn.oneHot(tok, vocabSize), get('model.embed_tokens.weight'));
      for (let l = 0; l < layers; l++) {
        const p = `model.layers.${l}.`;
        const h = norm(x.ref, get(`${p}input_layernorm.weight`));
        const [q, k, v] = ['q', 'k', 'v'].map((w) =>
          linear(h.ref, get(`${p}self_attn.${w}_proj.weight`)).reshape([batch, seq, heads, headDim]),
        );
        h.dispose();
        const o = nn.dotProductAttention(rotate(q), rotate(k), v, { isCausal: true });
        x = x.add(linear(o.reshape([count, dim]), get(`${p}self_attn.o_proj.weight`)));
        const g = norm(x.ref, get(`${p}post_attention_layernorm.weight`));
        const gate = nn.silu(linear(g.ref, get(`${p}mlp.gate_proj.weight`)));
        const up = linear(g, get(`${p}mlp.up_proj.weight`));
        x = x.add(linear(gate.mul(up), get(`${p}mlp.down_proj.weight`)));
      }
      const logits = linear(norm(x, get('model.norm.weight')), get('lm_head.weight'));
      for (const param of params) param.dispose();
      c.dispose();
      s.dispose();
      return losses(logits, tgt, vocabSize).mul(1 / count);
    };
    const update = jit((params, ms, vs, tok, tgt, c, s, rates) => {
      const [value, grads] = valueAndGrad(loss)(
        params.map((p) => p.ref),
        tok,
        tgt,
        c,
        s,
      );
      const [rate, c1, c2] = [0, 1, 2].map((i) => rates.ref.slice(i));
      rates.dispose();
      const next = { params: [], ms: [], vs: [] };
      params.forEach((p, i) => {
        const g = grads[i];
        const m = ms[i].mul(0.9).add(g.ref.mul(0.1));
        const v = vs[i].mul(0.95).add(g.ref.mul(g).mul(0.05));
        const change = m.ref.div(c1.ref).div(np.sqrt(v.ref.div(c2.ref)).add(1e-8));
        next.params.push(p.sub(change.mul(rate.ref)));
        next.ms.push(m);
        next.vs.push(v);
      });
      for (const x of [rate, c1, c2]) x.dispose();
      return [value, next.params, next.ms, next.vs];
    });
    let state = [start, start.map((p) => np.zeros(p.shape)), start.map((p) => np.zeros(p.shape))];
    const seen = [];
    let t = 0;
    return {
      async run(times) {
        for (let i = 0; i < times; i++) {
          t++;
          const rates = np.array(new Float32Array([lr, 1 - 0.9 ** t, 1 - 0.95 ** t]));
          const [value, ...next] = update(...state, tokens.ref, targets.ref, cos.ref, sin.ref, rates);
          state = next;
          seen.push((await value.data())[0]);
        }
      },
      check: async () => seen.slice(0, 2),
    };
  }

  const kinds = { matmul, attention, 'cross-entropy': crossEntropy, step };
  return { prepare: async (row) => kinds[row.kind](row) };
}
