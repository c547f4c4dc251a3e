/**
 * Where a worker's script lies: beside the module that starts it, as `.ts` when the sources run as they are (tests; Node strips the types)
 * and as `.js` when they run compiled.
 */

/** `from` is the `import.meta.url` of the module that starts the worker. */
export function workerUrl(name: string, from: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}
