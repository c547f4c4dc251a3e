/** One copy of a model for several threads. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { openFastText } from '../../classifiers/fasttext/fasttext-model.ts';
import { readFastTextData } from '../../classifiers/fasttext/read-model.ts';
import { expected, fixture } from './fixtures.ts';

describe('a model read with shared: true', () => {
  it.each(['trigrams-dim5.bin', 'subwords-q-cutoff-norm.ftz', 'many-labels-tree-q-out.ftz'])(
    '%s predicts the same in another thread, from the same bytes',
    async (file) => {
      const data = await readFastTextData(fixture(file), { shared: true, unpackLimit: 0 });
      expect(data.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
      const here = expected.texts.map((text) => openFastText(data).predict(text, 3));
      const bytes = new Uint8Array(data.memory.buffer);
      const before = Buffer.from(bytes.slice());
      const module = new URL('../../classifiers/fasttext/fasttext-model.ts', import.meta.url).href;
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads');
         import(workerData.module).then(({ openFastText }) => {
           const model = openFastText(workerData.data);
           parentPort.postMessage(workerData.texts.map((text) => model.predict(text, 3)));
           new Uint8Array(workerData.data.memory.buffer)[0] ^= 255;
           parentPort.close();
         });`,
        { eval: true, workerData: { module, data, texts: expected.texts } },
      );
      const there = await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      await new Promise((resolve) => worker.once('exit', resolve));
      expect(there).toEqual(here);
      // The thread flipped one byte after predicting, and nothing else: it worked on this memory and did not write to it.
      bytes[0]! ^= 255;
      expect(Buffer.from(bytes.slice()).equals(before)).toBe(true);
    },
  );
});
