/**
 * Ends a test's Slurm, whatever becomes of the test: `node cluster-guardian.ts <folder>`. It waits for the end of its standard input,
 * which comes when the test closes it or dies (SIGKILL included), then kills every process whose environment names the folder's
 * slurm.conf (daemons, slurmstepd, jobs, commands) and removes the folder. Linux only: it reads /proc.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesWith } from './cluster-processes.ts';

const folder = process.argv[2]!;
for await (const _ of process.stdin);
// Daemons start others while they are killed: until none is left.
for (;;) {
  const left = processesWith({ SLURM_CONF: `${folder}/slurm.conf` });
  if (left.length === 0) break;
  for (const { pid } of left)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  await sleep(20);
}
rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
