/** Loads the pseudo-terminal module and tries it, or says why this machine has none; and the environment of programs under it. */
import { createRequire } from 'node:module';
import type * as Pty from '@lydell/node-pty';
import type * as Xterm from '@xterm/headless';

const load = createRequire(import.meta.url);

export type LoadedPty = { pty: typeof Pty; Emulator: typeof Xterm.Terminal } | { problem: string };

export function loadPty(): LoadedPty {
  if (process.platform === 'win32') return { problem: 'Windows' };
  try {
    const pty = load('@lydell/node-pty') as typeof Pty;
    const { Terminal: Emulator } = load('@xterm/headless') as typeof Xterm;
    // A container without /dev/ptmx loads the module and then refuses.
    pty.spawn('/bin/sh', ['-c', ':'], {}).onExit(() => {});
    return { pty, Emulator };
  } catch (error) {
    return { problem: error instanceof Error ? error.message.split('\n')[0]! : String(error) };
  }
}

/** The tests' environment without what changes a program's display, and with a terminal of full colour. */
export function environment(
  extra: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const left = [
    'CI',
    'NODE_ENV',
    'FORCE_COLOR',
    'NO_COLOR',
    'NODE_OPTIONS',
    'NODE_V8_COVERAGE',
    'COLUMNS',
    'LINES',
    'VITEST',
    'TMUX',
  ];
  const all = { ...process.env, COLORTERM: 'truecolor', MIDTRAIN_SKIP_BUILD: '1', ...extra };
  const kept = Object.entries(all).filter(
    ([name, value]) => value !== undefined && (!left.includes(name) || name in extra),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
