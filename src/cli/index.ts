/**
 * The commands of `midtrain`, in the order data flows. Only names and summaries are here; a command's file is loaded when it
 * is asked for, so `midtrain --help` loads none of them.
 */
import type { CommandEntry } from './command.ts';

export const commands: readonly CommandEntry[] = [
  {
    name: 'devices',
    summary: 'show the GPU, or the software adapter, that training would use',
    load: () => import('./devices.ts'),
  },
  {
    name: 'setup',
    summary: 'install what is missing and make sure that a WebGPU adapter exists',
    load: () => import('./setup.ts'),
  },
];
