/** A small mixture as `midtrain mix` leaves one: shards of two sources, with per-source/ or without, manifest and tokenizer. For tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { TokenShardWriter } from '../../src/io/token-shard.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { tokenizerOf } from '../../src/tokens/tokenizer.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';

export const windowTokens = 9;
const vocabSize = 259;

/** `web` has 6 sequences of 8 + 1 tokens, `qa` 2. */
export async function writeMixture(
  folder: string,
  { perSource = true, masked = false, sequenceLength = windowTokens - 1 } = {},
): Promise<string> {
  const { files } = await trainBpe(['some words to learn an alphabet from'], { vocabSize });
  const tokenizer = await tokenizerOf(files, 'test');
  await saveTokenizerFiles(files, path.join(folder, 'tokenizer'));
  const sequences = { web: 6, qa: 2 };
  const write = async (file: string, names: readonly string[]): Promise<void> => {
    mkdirSync(path.dirname(file), { recursive: true });
    const writer = new TokenShardWriter(file, {
      tokenizerName: 'midtrain-test',
      vocabSize,
      lossMask: masked,
    });
    for (const [i, name] of names.entries())
      await writer.add(
        Array.from({ length: windowTokens }, (_, t) => (i * 10 + t) % 200),
        { docId: `${name}-${i}`, source: name },
      );
    await writer.finish();
  };
  const order = ['web', 'web', 'web', 'qa', 'web', 'web', 'web', 'qa'];
  await write(path.join(folder, 'shards', '00000.ds'), order);
  if (perSource) {
    for (const [name, n] of Object.entries(sequences))
      await write(
        path.join(folder, 'per-source', name, '00000.ds'),
        Array.from({ length: n }, () => name),
      );
    writeFileSync(path.join(folder, 'per-source', 'weights.json'), '{}');
  }
  const manifest = {
    version: 1,
    name: path.basename(folder),
    windowTokens,
    sequenceLength,
    sequences: 8,
    sources: Object.entries(sequences).map(([name, n]) => ({
      name,
      weight: n / 8,
      evidence: 'recalled',
      sequences: n,
    })),
    tokenizer: { name: 'midtrain-test', fingerprint: tokenizer.fingerprint, vocabSize, eosId: 0 },
  };
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}
