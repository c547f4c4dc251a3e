/** Running other programs, saying what is done, and keeping two set-ups out of each other's way. */
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Something the person at the keyboard can mend: printed as it stands, without a stack. */
export class SetupError extends Error {}

const scratch = new Set();

/** Does `work` with a folder for its own use, which is removed afterwards, also when the set-up is interrupted. */
export async function withScratch(folder, work) {
  if (scratch.size === 0)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, interrupted);
  scratch.add(folder);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    scratch.delete(folder);
    if (scratch.size === 0)
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, interrupted);
  }
}

function interrupted() {
  say('interrupted; nothing half done is kept');
  for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
  process.exit(130);
}

/** One line about what is being done. On stderr, so that it never mixes with a command's output. */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/**
 * Runs a program to its end and returns `{ status, stdout, stderr }`; never throws for a failing program. `status` is
 * null when it was killed, also by `timeout` (ms), and 127 when there is no such program.
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
      // Windows starts npm.cmd only through a shell; nothing passed here holds a space or a quote.
      shell: process.platform === 'win32' && !path.isAbsolute(program),
      timeout: options.timeout,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', (error) => resolve({ status: 127, stdout, stderr: `${stderr}${error.message}` }));
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** The last lines of a failing program's words, for a message. */
export function tail(result, lines = 12) {
  return `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-lines).join('\n');
}

/** 54123456 -> '54.1 MB' */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/**
 * Does `work` while holding the lock file; waits for another live process that holds it, and takes over a dead one's.
 */
export async function withLock(file, work) {
  mkdirSync(path.dirname(file), { recursive: true });
  let waiting = false;
  for (;;) {
    // A hard link appears with its content in it, so no reader ever sees a lock without an owner.
    const mine = `${file}.${process.pid}`;
    writeFileSync(mine, String(process.pid));
    try {
      linkSync(mine, file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    } finally {
      rmSync(mine, { force: true });
    }
    const owner = ownerOf(file);
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!waiting) say(`waiting for another set-up to finish (process ${owner}, ${file})`);
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function ownerOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs `work` and turns what goes wrong into a message and an exit code: 1 for what a person can mend, 70 for our bug. */
export async function orExplain(work) {
  try {
    await work();
  } catch (error) {
    const mendable =
      error instanceof SetupError || ['ENOSPC', 'EACCES', 'EROFS', 'EPERM'].includes(error?.code);
    say(mendable ? error.message : (error?.stack ?? String(error)));
    if (error?.code === 'ENOSPC')
      say('Cure: free space on that disk (the set-up needs about 2 GB in all), then run it again.');
    if (['EACCES', 'EROFS', 'EPERM'].includes(error?.code)) {
      say('Cure: make that folder writable, or set XDG_CACHE_HOME to one that is, then run it again.');
    }
    process.exitCode = mendable ? 1 : 70;
  }
}
