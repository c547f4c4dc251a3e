/** What a mixture is made from: recipe, ratios, and where to write. Every field that is left out is the recipe's, or its default. */
import type { LoadedRecipe } from '../../mixtures/load.ts';
import type { PlanOptions } from '../../mixtures/plan.ts';
import type { Packing } from '../../mixtures/recipe.ts';
import type { Ratios } from '../../mixtures/shares.ts';
import type { Emit } from '../core/events.ts';
import type { Use } from '../core/licences.ts';

export interface MixRequest {
  loaded: LoadedRecipe;
  /** Where the data of cards without a path is looked for. */
  cwd: string;
  output: string;
  ratios?: Ratios;
  options?: PlanOptions;
  /** Folder or tokenizer.json; goes before the recipe's. */
  tokenizer?: string;
  /** Replace another mixture that lies in the output folder. */
  overwrite?: boolean;
  /** Tokens per shard file, rounded down to whole sequences. Default 256M. */
  shardTokens?: number;
  /** Goes before the recipe's. */
  packing?: Packing;
  /** Threads that tokenise. Default: one per core. They decide nothing about the output. */
  workers?: number;
  /** Aim for the size of a unit of reading, in bytes as stored; it decides where a source that is needed in part is cut off. Default 16 MiB. */
  unitBytes?: number;
  /** Fetch sources that are only on the Hub, as much of each as is needed. */
  download?: boolean;
  /** Also write one folder per source with its weight, for trainers that mix by themselves. */
  perSource?: boolean;
  /** What the result is for: decides what the licences of the sources are warned about. Goes before the recipe's. */
  use?: Use;
  emit?: Emit;
  signal?: AbortSignal;
}
