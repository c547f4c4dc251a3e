/** Runs `midtrain` in a process of its own and watches the high-water mark of its resident memory (Linux: VmHWM). */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Peak in bytes, and seconds. `script` is the program, `args` its command line. Rejects with the end of standard error. */
export function peakMemory(
  script: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<{ peak: number; seconds: number }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    let peak = 0;
    child.stderr.on('data', (data: Buffer) => {
      errors = (errors + data.toString()).slice(-4000);
    });
    const timer = setInterval(() => {
      const high = /VmHWM:\s+(\d+)/.exec(statusOf(child.pid!));
      if (high !== null) peak = Math.max(peak, Number(high[1]) * 1024);
    }, 50);
    child.on('exit', (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ peak, seconds: (performance.now() - began) / 1000 });
      else reject(new Error(`midtrain ${args[0]} ended with ${code}: ${errors}`));
    });
  });
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}
