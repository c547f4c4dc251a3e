/** Peak resident memory of `midtrain mix` over a small and a large input of the same documents, in a process of its own. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/core/random.ts';
import { trainBpe } from '../../src/tokens/bpe-train.ts';
import { saveTokenizerFiles } from '../../src/tokens/tokenizer-files.ts';
import { benchCorpus } from './corpus.ts';
import { peakMemory } from './peak-memory.ts';
import type { BenchRow } from './report.ts';

const megabyte = 1e6;

/** Sizes in MB of text. All of the input goes into the mixture, with two workers. */
export async function measureMemory(scratch: string, sizes: readonly [number, number]): Promise<BenchRow[]> {
  const { texts } = benchCorpus(4 * megabyte);
  const trained = await trainBpe(texts.slice(0, 200), { vocabSize: 8000, preTokenizer: 'llama3' });
  const tokenizer = join(scratch, 'memory-tokenizer');
  await saveTokenizerFiles(trained.files, tokenizer);
  const peaks: number[] = [];
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    const input = join(scratch, 'memory-input');
    const output = join(scratch, 'memory-output');
    writeInput(input, texts, size * megabyte);
    writeFileSync(
      join(scratch, 'memory.yaml'),
      `name: memory\ntokenizer: ${tokenizer}\nsequenceLength: 4095\nsources:\n  all: { role: web, weight: 1, data: ${input} }\n`,
    );
    const { peak, seconds } = await run(scratch, output);
    process.stdout.write(
      `${size} MB of input: peak ${Math.round(peak / megabyte)} MB, ${seconds.toFixed(0)} s, ${(size / seconds).toFixed(1)} MB/s\n`,
    );
    peaks.push(peak / megabyte);
    rmSync(input, { recursive: true });
    rmSync(output, { recursive: true });
    rows.push({
      name: `memory, ${size} MB of input`,
      unit: 'MB peak RSS',
      ours: Math.round(peak / megabyte),
      peer: null,
      peerName: null,
      ratio: null,
    });
  }
  const [small, large] = peaks as [number, number];
  process.stdout.write(`the larger input takes ${((large / small - 1) * 100).toFixed(1)} % more memory\n`);
  return rows;
}

/** Files of 25 MB of short and long documents, whose lines are shuffled so that none is the other's copy. */
function writeInput(folder: string, texts: readonly string[], bytes: number): void {
  mkdirSync(folder);
  const random = new Random(1);
  let written = 0;
  let id = 0;
  for (let file = 0; written < bytes; file++) {
    const fd = openSync(join(folder, `part-${file}.jsonl`), 'w');
    for (let own = 0; own < 25 * megabyte && written < bytes; ) {
      const lines = random.pick(texts).split('\n');
      const from = random.int(lines.length);
      const text = lines.slice(from, from + 1 + random.int(40)).join('\n');
      const line = Buffer.from(`${JSON.stringify({ id: `d${id++}`, text: `${id} ${text}` })}\n`);
      writeSync(fd, line);
      own += line.length;
      written += line.length;
    }
    closeSync(fd);
  }
}

function run(scratch: string, output: string): Promise<{ peak: number; seconds: number }> {
  const cli = new URL('../../src/main.ts', import.meta.url).pathname;
  return peakMemory(cli, ['mix', 'memory.yaml', '--out', output, '--workers', '2'], { cwd: scratch });
}
