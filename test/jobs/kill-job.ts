/** Starts a filter job in a process of its own and kills it, the process and all its threads, after a while. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Milliseconds from the job's start until `kill -9`; answers whether it was killed before it ended by itself. */
export function runAndKill(corpus: string, out: string, workers: number, afterMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL('./run-filter.ts', import.meta.url));
    const child = spawn(process.execPath, [script, corpus, out, String(workers)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(true);
      else if (code === 0) resolve(false);
      else reject(new Error(`the job ended with code ${code}: ${errors}`));
    });
  });
}
