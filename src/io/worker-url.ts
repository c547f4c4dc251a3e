/**
 * Where a worker's script lies: beside this file, as `.ts` when the sources run as they are (tests; Node strips the types) and as `.js`
 * when they run compiled.
 */
export function workerUrl(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
