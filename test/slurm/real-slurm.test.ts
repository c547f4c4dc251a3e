/** A small filter job on a real Slurm with a killed worker: the bytes of the local run. All kills, on real pages: npm run test:slurm. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCorpus } from '../jobs/corpus.ts';
import { ensureBuilt } from '../run-cli.ts';
import { RealCluster } from './real-cluster.ts';
import { dataHashes, midtrain, runMidtrain, SlurmRun, signal } from './slurm-run.ts';
import { findSlurm, noSlurm } from './unpack-slurm.ts';

const slurm = findSlurm();
if (slurm === undefined) process.stderr.write(`skipped: ${noSlurm}\n`);

describe.skipIf(slurm === undefined)('a filter job on a real Slurm', { timeout: 600_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'midtrain-real-slurm-'));
  const at = (name: string): string => join(root, name);
  let cluster: RealCluster;
  beforeAll(async () => {
    await ensureBuilt();
    await writeCorpus(at('corpus'));
    const inputs = ['pages', 'a.jsonl', 'b.parquet'].map((name) => ({ path: join(at('corpus'), name) }));
    const pipeline = {
      name: 'small',
      inputs,
      signals: ['gopher-quality', 'math'],
      thresholds: { use: ['gopher-quality'] },
      dedup: ['exact', 'minhash'],
      output: { dropped: true },
      limits: { unitBytes: 2048, pageUnitBytes: 2048 },
    };
    writeFileSync(at('small.yaml'), JSON.stringify(pipeline));
    writeFileSync(at('slurm.yaml'), JSON.stringify({ ranks: 2, poll: 0.5, grace: 20, settle: 1 }));
    cluster = await RealCluster.start(slurm!);
  }, 600_000);
  afterAll(async () => {
    await cluster?.stop();
    rmSync(root, { recursive: true });
  });

  it('gives the bytes of the local run when a worker is killed', async () => {
    const words = ['filter', at('small.yaml'), '--out'];
    await midtrain([...words, at('local'), '--workers', '1']);
    const job = new SlurmRun(cluster, at('run'));
    const launcher = runMidtrain(
      [...words, job.out, '--executor', 'slurm', '--slurm', at('slurm.yaml'), '--wait'],
      cluster.env,
    );
    const { workers, release } = await job.holdWithin('measure');
    signal(workers[0]!.pid, 'SIGKILL');
    release();
    const { code, stderr } = await launcher.ended;
    expect(code, stderr).toBe(0);
    expect(job.attempts('measure')).toBe(2);
    const status = JSON.parse(await job.jobs('status', '--json')) as { state: string };
    expect(status.state).toBe('done');
    expect(job.hashes()).toEqual(dataHashes(at('local')));
  });
});
