/** Starts a cluster with a job on it, prints its folder, and dies by SIGKILL: `node dying-cluster.ts`. What is left is up to the guardian. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RealCluster } from './real-cluster.ts';
import { findSlurm } from './unpack-slurm.ts';

const cluster = await RealCluster.start(findSlurm()!, { nodes: 1 });
const script = join(cluster.folder, 'sleep.sh');
writeFileSync(script, '#!/bin/sh\nexec sleep 3600\n');
cluster.command('sbatch', `--chdir=${cluster.folder}`, script);
await cluster.until(() => cluster.jobProcesses().some(({ words }) => words[0] === 'sleep'));
process.stdout.write(cluster.folder, () => process.kill(process.pid, 'SIGKILL'));
