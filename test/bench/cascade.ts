/** The families of the row `cascade`, in the order a pipeline has them. */
import { familyNamed } from '../../src/filters/families.ts';
import type { SignalFamily } from '../../src/filters/signal.ts';

const names = ['gopher-quality', 'gopher-repetition', 'c4', 'fineweb-quality', 'math', 'pii'];

export const cascade: readonly SignalFamily[] = names.map((name) => {
  const family = familyNamed(name);
  if (family === undefined) throw new Error(`there is no family ${name}`);
  return family;
});
