/**
 * Makes a mixture in a process of its own, to be killed: `node run-mix.ts '<JobOfMix>'`. Writes a line for each task that begins or ends.
 * With MIDTRAIN_TEST_DIE it kills itself (die-at-operation.ts).
 */
import './die-at-operation.ts';
import '../jobs/compile-cache.ts';

export interface JobOfMix {
  folder: string;
  recipe: string;
  out: string;
  workers: number;
  unitBytes: number;
  shardTokens?: number;
  packing?: 'concatenate' | 'best-fit';
  perSource?: boolean;
  download?: boolean;
  overwrite?: boolean;
}

const { loadRecipe } = await import('../../mixtures/load.ts');
const { mix } = await import('../../src/stages/mix.ts');
const { folder, recipe, out, shardTokens, ...more } = JSON.parse(process.argv[2]!) as JobOfMix;
const { reused } = await mix({
  loaded: loadRecipe(recipe, folder),
  cwd: folder,
  output: out,
  shardTokens: shardTokens ?? 100_000,
  emit: (event) => {
    if (event.kind === 'start' || event.kind === 'end') process.stdout.write(`${event.kind} ${event.task}\n`);
  },
  ...more,
});
process.stdout.write(reused ? 'reused\n' : 'written\n');
