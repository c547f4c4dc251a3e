/** A folder like one that `midtrain mix` writes: shards, held-out shards, a tokenizer trained on the texts. For tests. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { TokenShardWriter } from '../../src/io/token-shard.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';

/** Writes `documents` as training data and `heldout` by source. Without `vocabSize` the vocabulary is every byte that occurs, no merges. */
export async function writeTokenFolder(
  folder: string,
  documents: readonly string[],
  heldout: Readonly<Record<string, readonly string[]>>,
  vocabSize?: number,
): Promise<void> {
  const trained = await trainBpe([...documents, ...Object.values(heldout).flat()], {
    alphabet: 'seen',
    ...(vocabSize === undefined ? {} : { vocabSize }),
  });
  mkdirSync(path.join(folder, 'tokenizer'), { recursive: true });
  await saveTokenizerFiles(trained.files, path.join(folder, 'tokenizer'));
  const tokenizer = await tokenizerOf(trained.files, 'test');
  const write = async (file: string, texts: readonly string[], source: string) => {
    const writer = new TokenShardWriter(file, { tokenizerName: 'test', vocabSize: tokenizer.vocabSize });
    for (const [i, text] of texts.entries())
      await writer.add([...tokenizer.encode(text), tokenizer.eosId!], { docId: `${source}-${i}`, source });
    await writer.finish();
  };
  await write(path.join(folder, 'shards', '00000.ds'), documents, 'train');
  for (const [source, texts] of Object.entries(heldout))
    await write(path.join(folder, 'heldout', `${source}.ds`), texts, source);
}
