/** Opens the built `midtrain` under a pseudo-terminal; the build is made first if it is stale (test/run-cli.ts). */
import { join } from 'node:path';
import { ensureBuilt, repository } from '../run-cli.ts';
import { openTerminal, type Terminal, type TerminalOptions } from './terminal.ts';

export async function openMidtrain(
  args: readonly string[],
  options: Omit<TerminalOptions, 'command' | 'args'> = {},
): Promise<Terminal> {
  await ensureBuilt();
  return openTerminal({
    command: process.execPath,
    args: [join(repository, 'src/bin/midtrain.js'), ...args],
    cwd: repository,
    ...options,
  });
}
