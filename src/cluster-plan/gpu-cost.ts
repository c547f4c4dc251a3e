/** What GPU nodes cost that are held for some hours. */
import type { PlanContext } from './context.ts';
import { type Figure, given, product } from './figure.ts';

/** Undefined where the description has no price. Only for descriptions with GPU nodes. */
export function gpuCost({ description }: PlanContext, name: string, wallHours: Figure): Figure | undefined {
  const { pricePerHour, count } = description.nodes.gpu!;
  const { currency } = description;
  if (pricePerHour === undefined) return undefined;
  return product(name, currency, [
    wallHours,
    given('GPU nodes', count, '', 'nodes.gpu'),
    given('price of a GPU node an hour', pricePerHour, currency, 'nodes.gpu'),
  ]);
}
