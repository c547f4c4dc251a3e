/**
 * The comparison of signatures at a size that jobs have: a million made-up documents of 14 bands, three in ten a copy of an earlier one, in few
 * signature files and in many. A part reads its range from every file, so the difference between the two is what opening a file costs.
 */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rates } from '../../src/cluster-plan/rates.ts';
import { initHash64 } from '../../src/core/hash64.ts';
import { Random } from '../../src/core/random.ts';
import { clusterDocuments } from '../../src/dedup/cluster-documents.ts';
import { keyWords } from '../../src/dedup/document-signer.ts';
import { findEdges } from '../../src/dedup/find-edges.ts';
import { planParts } from '../../src/dedup/plan-parts.ts';
import { SignatureWriter } from '../../src/dedup/signature-writer.ts';
import { BitList } from '../../src/stages/bit-list.ts';
import { chooseCopies } from '../../src/stages/choose-copies.ts';
import { clustersPath } from '../../src/stages/unit-clusters.ts';
import { UnitProgress } from '../../src/stages/unit-progress.ts';
import { cpuSecondsOf } from './rates-filter.ts';

const bands = 14;
const tag = 'rates';

export async function dedupRates(folder: string, documents: number): Promise<Rates['dedup']> {
  await initHash64();
  const few = await compare(join(folder, 'few'), documents, 8);
  const many = await compare(join(folder, 'many'), documents, 400);
  const { files, edgeFiles, counts } = few;
  const root = join(folder, 'run');
  const names = files.map((_, i) => `u${i}`);
  const outputs = names.map((name) => join(root, clustersPath('minhash', name)));
  mkdirSync(join(root, 'dedup', 'minhash'), { recursive: true });
  let clustered = 0;
  const clusterSeconds = await cpuSecondsOf(async () => {
    clustered = (await clusterDocuments({ edgeFiles, documents: counts, outputs })).members;
  });
  names.forEach((name, unit) => {
    const bits = new BitList();
    for (let i = 0; i < counts[unit]!; i++) bits.push(true);
    writeFileSync(join(root, 'dedup', `${name}.survivors`), bits.encode());
  });
  const chooseSeconds = await cpuSecondsOf(() =>
    chooseCopies(
      {
        folder: root,
        steps: [{ name: 'minhash', keep: 'first' } as Parameters<typeof chooseCopies>[0]['steps'][number]],
        units: names.map((name, unit) => ({ name, documents: counts[unit]!, signals: [] })),
      },
      new UnitProgress(),
    ),
  );
  return {
    documents,
    bands,
    units: files.length,
    parts: few.parts,
    edgesSeconds: few.seconds,
    many: { units: many.files.length, parts: many.parts, edgesSeconds: many.seconds },
    clusterSeconds,
    chooseSeconds,
    clustered,
    signatureBytes: files.reduce((sum, path) => sum + statSync(path).size, 0),
  };
}

interface Compared {
  files: string[];
  edgeFiles: string[];
  /** Documents by unit. */
  counts: number[];
  parts: number;
  seconds: number;
}

async function compare(folder: string, documents: number, units: number): Promise<Compared> {
  mkdirSync(join(folder, 'edges'), { recursive: true });
  const files = writeSignatures(folder, documents, units);
  const counts = files.map(() => documents / units);
  const parts = planParts(documents, bands);
  const edgeFiles = parts.map((_, i) => join(folder, 'edges', `${i}.edges`));
  const seconds = await cpuSecondsOf(async () => {
    for (const [i, part] of parts.entries())
      await findEdges({ part, tag, files, documents: counts, output: edgeFiles[i]! });
  });
  return { files, edgeFiles, counts, parts: parts.length, seconds };
}

function writeSignatures(folder: string, documents: number, units: number): string[] {
  const random = new Random('rates');
  const earlier: Uint32Array[] = [];
  const per = documents / units;
  for (let unit = 0; unit < units; unit++) {
    const writer = new SignatureWriter({ bands, tag });
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < per; i++) {
      const copy = earlier.length > 0 && random.float() < 0.3;
      const words = copy ? earlier[random.int(earlier.length)]! : new Uint32Array(bands * keyWords);
      if (!copy) {
        for (let w = 0; w < words.length; w++) words[w] = random.int(2 ** 32);
        if (earlier.length < 4096) earlier.push(words);
        else earlier[random.int(earlier.length)] = words;
      }
      writer.add(i, words);
      pieces.push(...writer.drain());
    }
    pieces.push(...writer.finish());
    writeFileSync(join(folder, `u${String(unit).padStart(4, '0')}.minhash`), Buffer.concat(pieces));
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.minhash'))
    .sort()
    .map((name) => join(folder, name));
}
