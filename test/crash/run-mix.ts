/** Makes a mixture in a process of its own, to be killed: `node run-mix.ts '{"folder","recipe","out","workers","unitBytes"}'`. */
import '../jobs/compile-cache.ts';

const { loadRecipe } = await import('../../mixtures/load.ts');
const { mix } = await import('../../src/stages/mix.ts');
const { folder, recipe, out, workers, unitBytes } = JSON.parse(process.argv[2]!) as {
  folder: string;
  recipe: string;
  out: string;
  workers: number;
  unitBytes: number;
};
const { reused } = await mix({
  loaded: loadRecipe(recipe, folder),
  cwd: folder,
  output: out,
  workers,
  unitBytes,
  shardTokens: 100_000,
});
process.stdout.write(reused ? 'reused\n' : 'written\n');
