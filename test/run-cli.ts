/**
 * Runs the real `midtrain` (src/bin/midtrain.js on the built dist/) for tests: with pipes, or on a pseudo-terminal whose screen
 * can be read and into which keys can be typed. The build is made once if it is stale; MIDTRAIN_SKIP_BUILD=1 takes dist/ as it is.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { FakeTerminal } from './tui/fake-terminal.ts';

export const repository = join(import.meta.dirname, '..');
const bin = join(repository, 'src/bin/midtrain.js');

let built: Promise<void> | undefined;

/** Makes sure that dist/ is what the sources say. */
export function ensureBuilt(): Promise<void> {
  built ??= (async () => {
    if (process.env.MIDTRAIN_SKIP_BUILD === '1') return;
    const file = pathToFileURL(join(repository, 'src/setup/build.js')).href;
    const build = (await import(file)) as { ensureBuilt(root: string): Promise<boolean> };
    await build.ensureBuilt(repository);
  })();
  return built;
}

export interface CliResult {
  /** Null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface CliOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** Another script than src/bin/midtrain.js. */
  script?: string;
  /** Killed after this long; default a minute. */
  timeoutMs?: number;
  /** Called with the process once it runs, to send it signals or close its pipes. */
  during?: (child: ChildProcess) => Promise<void>;
}

/** Runs `midtrain <args>` with pipes and waits for its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  await ensureBuilt();
  const started = performance.now();
  const child = spawn(process.execPath, [options.script ?? bin, ...args], {
    cwd: options.cwd ?? repository,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Pick<CliResult, 'code' | 'signal'>>((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal }));
  });
  await options.during?.(child);
  const { code, signal } = await ended;
  return { code, signal, stdout, stderr, seconds: (performance.now() - started) / 1000 };
}

/** Whether util-linux `script`, which gives a pseudo-terminal, is there. */
export const hasTerminal = /util-linux/.test(
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '',
);

export interface TerminalRun {
  terminal: FakeTerminal;
  /** Types text; `\x03` is Ctrl-C. */
  type(keys: string): void;
  /** Waits until the screen (scrollback included) shows this. */
  shows(what: string | RegExp): Promise<void>;
  /** Waits for the end; the exit code, as the shell saw it. */
  ended: Promise<number>;
}

/** Starts `midtrain <args>` on a pseudo-terminal. */
export async function runInTerminal(
  args: readonly string[],
  options: CliOptions & { columns?: number; rows?: number } = {},
): Promise<TerminalRun> {
  await ensureBuilt();
  const { columns = 100, rows = 30 } = options;
  const words = [process.execPath, options.script ?? bin, ...args].map(
    (word) => `'${word.replaceAll("'", "'\\''")}'`,
  );
  // The shell catches Ctrl-C so that it lives to say how the program ended (a caught signal is not inherited as ignored).
  const line = `trap : INT; stty cols ${columns} rows ${rows}; ${words.join(' ')}; printf 'exit code %d\\n' $?`;
  const child = spawn('script', ['--quiet', '--flush', '--command', line, '/dev/null'], {
    cwd: options.cwd ?? repository,
    env: environment({ TERM: 'xterm-256color', ...options.env }),
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  const terminal = new FakeTerminal(columns, rows);
  child.stdout.setEncoding('utf8').on('data', (text: string) => terminal.feed(text));
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject).on('close', () => {
      const code = /exit code (\d+)$/.exec(terminal.text())?.[1];
      if (code === undefined) reject(new Error(`no exit code on the screen:\n${terminal.text()}`));
      else resolve(Number(code));
    });
  });
  const shows = async (what: string | RegExp): Promise<void> => {
    const until = performance.now() + 30_000;
    const isThere = (): boolean =>
      typeof what === 'string' ? terminal.text().includes(what) : what.test(terminal.text());
    while (!isThere()) {
      if (performance.now() > until)
        throw new Error(`the screen never showed ${String(what)}:\n${terminal.text()}`);
      await sleep(20);
    }
  };
  return { terminal, type: (keys) => void child.stdin.write(keys), shows, ended };
}

/** The tests' environment without what would change the display, and without a second build. */
function environment(extra: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const {
    CI: _ci,
    NODE_ENV: _mode,
    FORCE_COLOR: _force,
    NO_COLOR: _none,
    NODE_OPTIONS: _options,
    ...rest
  } = process.env;
  return { ...rest, MIDTRAIN_SKIP_BUILD: '1', ...extra };
}
