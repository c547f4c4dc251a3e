/** The rows of `bench:filter`: what is measured of ours, and which step of the peer it stands beside. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openLanguage } from '../../classifiers/language/open-language.ts';
import { batchFromVectors, stringAt, Utf8Builder } from '../../src/core/batch.ts';
import { initHash64 } from '../../src/core/hash64.ts';
import { minHashPresets } from '../../src/dedup/minhash-config.ts';
import { MinHashSigner } from '../../src/dedup/minhash-signer.ts';
import { SignatureWriter } from '../../src/dedup/signature-writer.ts';
import { htmlToText } from '../../src/extract/html-to-text.ts';
import { languageFamily } from '../../src/filters/language.ts';
import { maskPii } from '../../src/filters/mask-pii.ts';
import { firstFailing, type Rule } from '../../src/filters/rule.ts';
import type { SignalFamily } from '../../src/filters/signal.ts';
import { thresholdSets } from '../../src/filters/threshold-sets.ts';
import { openParquet } from '../../src/io/parquet-footer.ts';
import { readRowGroups } from '../../src/io/parquet-read.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { type MathTreatment, measureText } from '../../src/text/measure-text.ts';
import { cascade } from './cascade.ts';

export interface MeasuredRow {
  name: string;
  /** Does the work on a slice (or on all documents) and answers how many bytes it was. */
  run(slice: number): number | Promise<number>;
  /** What comes before, not measured. */
  prepare?(): void;
  /** How often it runs in a row each time it is measured, so that little of what the row before left to collect is charged to it. */
  repeats?: number;
  /** The row of test/oracles/datatrove-bench.py. */
  peer?: string;
  /** When it is not datatrove itself. */
  peerName?: string;
  /** Compared with the floor for heuristic filters where no peer is installed. */
  floor: boolean;
}

export interface BenchInput {
  scratch: string;
  texts: readonly string[];
  slices: readonly (readonly string[])[];
  /** HTML. */
  pages: readonly string[];
}

export async function filterRows({ scratch, texts, slices, pages }: BenchInput): Promise<MeasuredRow[]> {
  const bytesOf = (list: readonly string[]): number =>
    list.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const sizes = slices.map(bytesOf);
  const total = bytesOf(texts);
  const pageTotal = bytesOf(pages);
  const onSlice = (work: (text: string) => void) => (slice: number) => {
    for (const text of slices[slice]!) work(text);
    return sizes[slice]!;
  };
  await initHash64();
  const signer = new MinHashSigner(minHashPresets.datatrove);
  const language = languageFamily(await openLanguage({ model: 'lid.176.ftz' }));
  const file = join(scratch, 'documents.parquet');
  const removeFile = (): void => rmSync(file, { force: true });
  return [
    { name: 'cascade', run: onSlice((text) => measureAll(text, 'masked')), peer: 'cascade', floor: true },
    {
      name: 'cascade, math plain',
      run: onSlice((text) => measureAll(text, 'plain')),
      peer: 'cascade',
      floor: true,
    },
    {
      name: 'cascade with stopping',
      run: onSlice(measureUntilDropped),
      peer: 'cascade with stopping',
      floor: true,
    },
    {
      name: 'minhash',
      run(slice) {
        const writer = new SignatureWriter(signer);
        slices[slice]!.forEach((text, index) => {
          const signature = signer.sign(text);
          if (signature !== undefined) writer.add(index, signature);
        });
        const out = openSync(join(scratch, 'signatures.ours'), 'w');
        for (const bytes of writer.finish()) writeSync(out, bytes);
        closeSync(out);
        return sizes[slice]!;
      },
      peer: 'minhash',
      floor: true,
    },
    {
      name: 'parquet write',
      prepare: removeFile,
      run: () => writeParquet(file, texts, total),
      repeats: 4,
      peer: 'parquet write',
      floor: false,
    },
    {
      name: 'parquet write, peer zstd',
      prepare: removeFile,
      run: () => writeParquet(file, texts, total),
      repeats: 4,
      peer: 'parquet write zstd',
      floor: false,
    },
    { name: 'parquet read', run: () => readParquet(file, total), peer: 'parquet read', floor: false },
    {
      name: 'language',
      run: onSlice((text) => language.measure(measureText(text, { math: 'plain' }))),
      peer: 'language',
      peerName: 'fastText 0.9, lid.176.ftz',
      floor: false,
    },
    {
      name: 'extract',
      run() {
        for (const page of pages) htmlToText(page);
        return pageTotal;
      },
      peer: 'extract',
      floor: false,
    },
  ];
}

/** Results go here, so that no work can be left out. */
const sink = { value: 0 };

function measureAll(text: string, math: MathTreatment): void {
  const document = measureText(text, { math });
  for (const family of cascade) sink.value += family.measure(document)[0]!;
  sink.value += maskPii(text).text.length;
}

const sets: Partial<Record<string, string>> = {
  'gopher-quality': 'gopher-quality',
  'gopher-repetition': 'gopher-repetition',
  c4: 'c4',
  'fineweb-quality': 'fineweb-quality',
};
const steps = cascade.map((family: SignalFamily) => {
  const rules: readonly Rule[] = thresholdSets[sets[family.name] ?? ''] ?? [];
  const columns = rules.map((rule) => family.signals.findIndex((spec) => spec.name === rule.signal));
  return { family, rules, columns };
});

function measureUntilDropped(text: string): void {
  const document = measureText(text, { math: 'masked' });
  for (const { family, rules, columns } of steps) {
    if (firstFailing(rules, columns, family.measure(document)) >= 0) return;
  }
  sink.value += maskPii(text).text.length;
}

async function writeParquet(path: string, texts: readonly string[], bytes: number): Promise<number> {
  let output: ParquetOutput | undefined;
  for (let from = 0; from < texts.length; from += 1000) {
    const part = texts.slice(from, from + 1000);
    const id = new Utf8Builder(part.length);
    const text = new Utf8Builder(
      part.length,
      Math.ceil(1.1 * part.reduce((sum, one) => sum + one.length, 0)),
    );
    part.forEach((one, i) => {
      id.append(`document-${from + i}`);
      text.append(one);
    });
    const batch = batchFromVectors({ id: id.finish(), text: text.finish() });
    output ??= new ParquetOutput(path, batch.schema);
    await output.write(batch);
  }
  await output?.finish();
  return bytes;
}

async function readParquet(path: string, bytes: number): Promise<number> {
  const file = await openParquet(path);
  for await (const item of readRowGroups(file, [0, file.metadata.row_groups.length])) {
    if (item.kind === 'failed') throw new Error(item.problem);
    for (let row = 0; row < item.records.numRows; row++)
      sink.value += stringAt(item.records, 'text', row)!.length;
  }
  await file.handle.close();
  return bytes;
}
