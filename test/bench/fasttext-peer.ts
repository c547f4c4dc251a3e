/**
 * The reference's command line for the bench of classifiers: the program that MIDTRAIN_PEER_FASTTEXT names, `fasttext` on the PATH, or
 * Debian's package, unpacked into ~/.cache/midtrain/peers/fasttext (and fetched there when apt-get can: 200 KB, nothing is installed).
 * Elsewhere build it: `pip download --no-binary :all: --no-deps fasttext==0.9.3`, unpack, `g++ -O3 -std=c++17 -pthread src/*.cc -o fasttext`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface FastTextCommand {
  readonly command: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly name: string;
}

const cure =
  'no fasttext: name one in MIDTRAIN_PEER_FASTTEXT, or apt-get download fasttext libfasttext0 and dpkg -x both (test/bench/fasttext-peer.ts)';

/** The command, or why there is none. */
export function findFastText(): FastTextCommand | string {
  const named = process.env.MIDTRAIN_PEER_FASTTEXT;
  if (named !== undefined)
    return answers(named, process.env) ? peer(named, process.env) : `${named} does not run`;
  if (answers('fasttext', process.env)) return peer('fasttext', process.env);
  const folder = join(homedir(), '.cache', 'midtrain', 'peers', 'fasttext');
  const command = join(folder, 'usr', 'bin', 'fasttext');
  if (!existsSync(command)) fetchPackage(folder);
  const libraries = existsSync(join(folder, 'usr', 'lib')) ? readdirSync(join(folder, 'usr', 'lib')) : [];
  const path = libraries.map((name) => join(folder, 'usr', 'lib', name)).join(':');
  const environment = { ...process.env, LD_LIBRARY_PATH: path };
  return answers(command, environment) ? peer(command, environment) : cure;
}

function peer(command: string, environment: NodeJS.ProcessEnv): FastTextCommand {
  return { command, environment, name: `fasttext command line (${command})` };
}

/** Without arguments it prints what it can do and fails. */
function answers(command: string, env: NodeJS.ProcessEnv): boolean {
  const { stderr } = spawnSync(command, [], { encoding: 'utf8', env });
  return stderr?.includes('supervised') ?? false;
}

function fetchPackage(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const options = { cwd: folder, timeout: 60_000, stdio: 'ignore' as const };
  spawnSync('apt-get', ['download', 'fasttext', 'libfasttext0'], options);
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.deb')) spawnSync('dpkg', ['-x', file, '.'], options);
  }
}

/** Runs it and returns the CPU seconds it took; its output goes nowhere. Throws when it fails. */
export function cpuSecondsOf({ command, environment }: FastTextCommand, args: readonly string[]): number {
  const script = '"$@" > /dev/null 2>&1 || exit 1; times';
  const { status, stdout } = spawnSync('sh', ['-c', script, 'sh', command, ...args], {
    encoding: 'utf8',
    env: environment,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  // The second line is the children's: user and system time as 0m1.230s.
  const times = [
    ...stdout
      .trim()
      .split('\n')[1]!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  return times.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}
