/**
 * A filter job of one worker, timed pass by pass: HTML pages from a WARC file, and texts from Parquet, through the pipeline math-web with MinHash.
 * Which pass is running is told by the first task that the pool is handed.
 */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FilterSample } from '../../src/cluster-plan/rates.ts';
import { batchFromVectors, utf8Vector } from '../../src/core/batch.ts';
import { ParquetOutput } from '../../src/io/parquet-write.ts';
import { workerUrl } from '../../src/io/worker-url.ts';
import { FilterJob } from '../../src/jobs/filter-job.ts';
import { prepareFolder } from '../../src/jobs/job-folder.ts';
import { planCorpus } from '../../src/jobs/plan-corpus.ts';
import { parsePipeline } from '../../src/stages/load-pipeline.ts';
import { LocalPool, type PoolTask } from '../../src/stages/local-pool.ts';
import { readSharedModels } from '../../src/stages/shared-models.ts';
import { mergeReports } from '../../src/stages/unit-report.ts';

export const pipelineText = `name: rates
signals: [gopher-quality, fineweb-quality, math]
math: masked
thresholds: { use: [math, gopher-quality-math, fineweb-quality-math] }
dedup: [exact, { step: minhash, preset: datatrove }]
output: { dropped: false }
`;
const pipelineName = 'math-web with exact and minhash (datatrove)';

export async function cpuSecondsOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Passes by the step of their tasks: `measure`, `edges`, `cluster`, `choose`, `finish`. */
class TimedPool extends LocalPool {
  readonly seconds: Record<string, number> = {};

  override async run(
    tasks: Parameters<LocalPool['run']>[0],
    onOutcome: Parameters<LocalPool['run']>[1],
  ): Promise<void> {
    const first = (tasks as readonly PoolTask[])[0]?.payload as { step: string } | undefined;
    const step = first?.step ?? 'nothing';
    const took = await cpuSecondsOf(() => super.run(tasks, onOutcome));
    this.seconds[step] = (this.seconds[step] ?? 0) + took;
  }
}

/** Texts as one Parquet file (zstd); answers their bytes in UTF-8. */
export async function textFile(
  folder: string,
  texts: readonly string[],
): Promise<{ folder: string; bytes: number }> {
  mkdirSync(folder, { recursive: true });
  let output: ParquetOutput | undefined;
  let bytes = 0;
  for (let at = 0; at < texts.length; at += 500) {
    const some = texts.slice(at, at + 500);
    for (const text of some) bytes += Buffer.byteLength(text);
    const records = batchFromVectors({
      id: utf8Vector(some.map((_, i) => `document-${at + i}`)),
      text: utf8Vector(some),
      url: utf8Vector(some.map((_, i) => `https://example.org/pages/${at + i}.html`)),
    });
    output ??= new ParquetOutput(join(folder, 'texts.parquet'), records.schema, { rowGroupBytes: 32e6 });
    await output.write(records);
  }
  await output!.finish();
  return { folder, bytes };
}

/** Pages as a crawl stores them: one gzip member a record. */
function warcFile(folder: string, pages: readonly string[]): number {
  mkdirSync(folder, { recursive: true });
  const members = pages.map((page, i) => {
    const http = `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${page}`;
    const head =
      `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/${i}.html\r\n` +
      `WARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-${String(i).padStart(12, '0')}>\r\n` +
      `Content-Type: application/http; msgtype=response\r\nContent-Length: ${Buffer.byteLength(http)}\r\n\r\n`;
    return gzipSync(`${head}${http}\r\n\r\n`);
  });
  writeFileSync(join(folder, 'pages.warc.gz'), Buffer.concat(members));
  return pages.reduce((sum, page) => sum + Buffer.byteLength(page), 0);
}

export async function filterRates(
  scratch: string,
  { pages, text }: { pages: readonly string[]; text: { folder: string; bytes: number } },
): Promise<FilterSample[]> {
  const html = join(scratch, 'html');
  const htmlBytes = warcFile(html, pages);
  // Documents of the sample come again with their lines in another order. MinHash drops most of those, so the second pass is timed without it.
  const exact = pipelineText.replace(/^dedup.*$/m, 'dedup: [exact]');
  const { finish } = await timedRun(scratch, 'text', text.folder, text.bytes, exact);
  return [
    await timedRun(scratch, 'html', html, htmlBytes),
    { ...(await timedRun(scratch, 'text', text.folder, text.bytes)), ...(finish && { finish }) },
  ];
}

async function timedRun(
  scratch: string,
  pages: FilterSample['pages'],
  input: string,
  bytes: number,
  pipeline = pipelineText,
): Promise<FilterSample> {
  const folder = join(scratch, `run-${pages}-${pipeline === pipelineText}`);
  const { config } = parsePipeline(
    pipeline.replace('name: rates', `name: rates-${pages}\ninputs: [{ path: ${input} }]`),
    'rates.yaml',
    scratch,
  );
  const plan = await planCorpus(config);
  mkdirSync(folder, { recursive: true });
  await prepareFolder(folder, plan, config, {});
  const pool = new TimedPool({
    entry: workerUrl('unit-worker', new URL('../../src/jobs/filter-corpus.ts', import.meta.url).href),
    workers: 1,
    stallSeconds: 120,
    memoryMegabytes: 2048,
    signal: new AbortController().signal,
    shared: await readSharedModels(plan.filter),
  });
  let survivors = 0;
  let workBytes = 0;
  try {
    const job = new FilterJob(folder, plan, pool, {
      measured: (_unit, report) => {
        survivors += report.ledger.kept;
        workBytes = bytesUnder(join(folder, 'work'));
      },
      failed: (unit, problem) => {
        throw new Error(`${unit.name}: ${problem}`);
      },
    });
    const { reports, outputs } = await job.run();
    const total = mergeReports(reports, [], plan.filter.rules.length);
    const keptBytes = outputs
      .filter(({ path }) => path.startsWith('kept'))
      .reduce((sum, file) => sum + file.bytes, 0);
    // Survivors' own text is not counted by a job; kept ones' is, and copies are as long as others.
    const survivorTextBytes = Math.round((total.keptTextBytes / total.ledger.kept) * survivors);
    return {
      pages,
      pipeline: pipelineName,
      source: `npm run bench:rates, ${pages === 'html' ? 'WARC' : 'Parquet'}`,
      documents: total.ledger.in,
      bytes,
      storedBytes: plan.inputs.reduce((sum, one) => sum + one.bytes, 0),
      textBytes: total.textBytes,
      survivors,
      survivorTextBytes,
      measureSeconds: pool.seconds.measure!,
      signalsBytes: bytesUnder(join(folder, 'signals')),
      // Pages are too few for the second pass to take time that can be told from starting it.
      ...(pages === 'html'
        ? {}
        : {
            finish: {
              workBytes,
              textBytes: survivorTextBytes,
              seconds: pool.seconds.finish!,
              keptBytes,
              keptTextBytes: total.keptTextBytes,
            },
          }),
    };
  } finally {
    await pool.close();
  }
}

function bytesUnder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
