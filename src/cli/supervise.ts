/**
 * Starts a command again in a new process when it lost its GPU or its driver brought it down: a process whose Vulkan instance lost a device
 * gets no working one again. The work itself is done by child processes; this one only waits, so it holds no memory of the run. It starts again at
 * most so many times, and only when the run has a newer checkpoint than at the last start: what fails at the same place would fail again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { exitCodes } from '../core/errors.ts';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Supervision {
  maxRestarts: number;
  /** Something that grows with progress, such as the step of the newest checkpoint. */
  progress: () => number;
  /** Whether the run's own record says that the device was lost. */
  lostDevice: () => boolean;
  /** Starts the work and waits for it. */
  attempt: () => Promise<Ended>;
  /** True once the user wants to stop. */
  stopped: () => boolean;
  say: (line: string) => void;
}

/** Signals by which a driver brings a process down; SIGKILL is somebody's will, or the kernel's for want of memory. */
const crashes: readonly (NodeJS.Signals | null)[] = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE'];

/** Returns the exit code of the last attempt. */
export async function supervise(supervision: Supervision): Promise<number> {
  const { maxRestarts, progress, lostDevice, attempt, stopped, say } = supervision;
  for (let restarts = 0; ; restarts++) {
    const before = progress();
    const { code, signal } = await attempt();
    const ended =
      code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? exitCodes.interrupted : exitCodes.bug);
    const crashed = crashes.includes(signal);
    if (code === exitCodes.done || stopped() || !(crashed || lostDevice())) return ended;
    const why = crashed ? `the process was ended by ${signal}` : 'the GPU was lost';
    if (progress() <= before) {
      say(`${why} before a new checkpoint was written: not started again`);
      return ended;
    }
    if (restarts === maxRestarts) {
      say(`${why}: not started again, after ${maxRestarts} restart${maxRestarts === 1 ? '' : 's'}`);
      return ended;
    }
    say(`${why}: starting again from the last checkpoint (${restarts + 1} of ${maxRestarts})`);
  }
}

/** A run of the trainer: the work is done by child processes; what they leave in the run folder says whether to start one again. */
export async function superviseRun(
  runFolder: string,
  maxRestarts: number,
  signal: AbortSignal,
): Promise<number> {
  const { endedByLostDevice, newestStep } = await import('./run-progress.ts');
  return supervise({
    maxRestarts,
    progress: () => newestStep(runFolder),
    lostDevice: () => endedByLostDevice(runFolder),
    attempt: () => runAgain('--max-restarts'),
    stopped: () => signal.aborted,
    say: (line) => void process.stderr.write(`${line}\n`),
  });
}

/** Runs this very command in a child process on the same terminal, without the flag that leads here. */
export async function runAgain(withoutFlag: string): Promise<Ended> {
  const [, script, ...args] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script!, ...without(args, withoutFlag)], {
    stdio: 'inherit',
  });
  const stopPassing = passSignals(child);
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.on('error', reject).on('exit', (code, signal) => resolve({ code, signal }));
    });
  } finally {
    stopPassing();
  }
}

/** Arguments without a flag and its value. */
export function without(args: readonly string[], flag: string): string[] {
  const at = args.findIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
  return at < 0 ? [...args] : [...args.slice(0, at), ...args.slice(at + (args[at] === flag ? 2 : 1))];
}

/** Ctrl-C on a terminal reaches every process of the group by itself; passing it on would make it two. */
function passSignals(child: ChildProcess): () => void {
  const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  const signals: NodeJS.Signals[] = onTerminal ? ['SIGTERM'] : ['SIGTERM', 'SIGINT'];
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  return () => {
    for (const signal of signals) process.off(signal, pass);
  };
}
