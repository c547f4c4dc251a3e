/**
 * `midtrain setup`: the set-up script (src/setup, plain JavaScript) by name. The launcher in src/bin runs it before anything is
 * built; this file gives it a place in `--help` and runs it when main.js was started directly.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exitCodes } from '../core/errors.ts';
import { packageRoot } from '../io/package-root.ts';
import type { Command } from './command.ts';

export const command: Command = {
  name: 'setup',
  summary: 'install what is missing and make sure that a WebGPU adapter exists',
  description:
    'Installs the npm dependencies (in a clone), builds what needs building, and finds a WebGPU adapter: a real GPU if there is ' +
    'one, else a software adapter that it puts into your cache folder. Takes under a second when there is nothing to do; never ' +
    'needs root.',
  examples: [
    { command: 'midtrain setup', what: 'make this machine ready' },
    {
      command: 'MIDTRAIN_ADAPTER=lavapipe midtrain setup',
      what: 'fetch the software adapter lavapipe even if there is a GPU',
    },
  ],
  async run() {
    const folder = join(packageRoot(), 'src/setup');
    const load = (file: string): Promise<unknown> => import(pathToFileURL(join(folder, file)).href);
    const { setUp } = (await load('setup.js')) as { setUp(root: string): Promise<unknown> };
    const { orExplain } = (await load('command.js')) as {
      orExplain(work: () => Promise<unknown>): Promise<void>;
    };
    await orExplain(() => setUp(packageRoot()));
    return typeof process.exitCode === 'number' ? process.exitCode : exitCodes.done;
  },
};
