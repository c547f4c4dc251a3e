/** The rows of bench:trainer in TensorFlow.js on its WebGPU backend; no step, since eager TensorFlow.js would need an afternoon for it. */
import { registerHooks } from 'node:module';
import { tokensOf, values } from './trainer-rows.ts';

// Its gradients ship as modules that import each other without endings, as bundlers do.
registerHooks({
  resolve(specifier, context, next) {
    for (const ending of ['', '.js', '/index.js']) {
      try {
        return next(specifier + ending, context);
      } catch (error) {
        if (ending === '/index.js' || !specifier.startsWith('.')) throw error;
      }
    }
    throw new Error(specifier);
  },
});

const sampled = (data) => Array.from({ length: 32 }, (_, i) => data[Math.floor((i * data.length) / 32)]);

export async function open(load) {
  const tf = await load('@tensorflow/tfjs-core');
  await load('@tensorflow/tfjs-core/dist/register_all_gradients.js');
  await load('@tensorflow/tfjs-backend-webgpu');
  await tf.setBackend('webgpu');
  await tf.ready();
  const repeated = (call) => {
    let last;
    return {
      async run(times) {
        for (let i = 0; i < times; i++) {
          last?.dispose();
          last = tf.tidy(call);
        }
        // Its queue is flushed by reading; waiting for the queue alone returns before its work is done.
        await last.data();
      },
      check: async () => sampled(await last.data()),
    };
  };

  function matmul({ op, m, n, k }) {
    const a = tf.tensor(values(m * k, 1), op === 'tn' ? [k, m] : [m, k]);
    const b = tf.tensor(values(k * n, 2), op === 'nt' ? [n, k] : [k, n]);
    return repeated(() => tf.matMul(a, b, op === 'tn', op === 'nt'));
  }

  function attention({ batch, seq, heads, headDim }) {
    const size = batch * seq * heads * headDim;
    const qkv = tf.tensor(values(size * 3, 1, 4), [batch, seq, 3 * heads, headDim]);
    const dOut = tf.tensor(values(size, 2), [batch, seq, heads, headDim]);
    const mask = tf.tensor(
      Float32Array.from({ length: seq * seq }, (_, i) => (i % seq > Math.floor(i / seq) ? -1e9 : 0)),
      [1, 1, seq, seq],
    );
    const weighted = (x) => {
      const [q, k, v] = tf.split(tf.transpose(x, [0, 2, 1, 3]), 3, 1);
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim)), mask);
      const o = tf.matMul(tf.softmax(scores), v);
      return tf.sum(tf.mul(tf.transpose(o, [0, 2, 1, 3]), dOut));
    };
    const gradient = tf.grad(weighted);
    return repeated(() => gradient(qkv));
  }

  function crossEntropy({ rows, vocab }) {
    const logits = tf.tensor(values(rows * vocab, 1, 4), [rows, vocab]);
    const targets = tf.cast(
      tf.oneHot(tf.tensor1d(Int32Array.from(tokensOf(rows, vocab, 3)), 'int32'), vocab),
      'float32',
    );
    const gradient = tf.grad((x) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(x), targets))));
    return repeated(() => gradient(logits));
  }

  const kinds = { matmul, attention, 'cross-entropy': crossEntropy };
  return {
    prepare: async (row) => {
      if (!kinds[row.kind]) throw new Error('not written for TensorFlow.js');
      return kinds[row.kind](row);
    },
  };
}
