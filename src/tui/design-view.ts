/** What the designer's screens are drawn from: the design, what follows from it, and what is known of its sources. */
import type { Design } from '../../mixtures/design/design.ts';
import type { RunEstimate } from '../../mixtures/estimate.ts';
import type { MixturePlan, SourceSize } from '../../mixtures/plan.ts';

export interface DesignView {
  /** Name of the recipe, and its file as people call it. */
  name: string;
  file: string;
  /** There is no file of the user's yet. */
  builtIn: boolean;
  unsaved: boolean;
  undoable: number;
  redoable: number;
  design: Design;
  plan: MixturePlan;
  estimate: RunEstimate;
  /** Tokens of one optimizer step, and whether the recipe says so or they are assumed. */
  batchTokens: number;
  batchAssumed: boolean;
  /** Name of the model that the time is for. */
  model: string;
  /** `180 TFLOP/s`, `this adapter, 9 GFLOP/s`, `measuring ...`; undefined before anybody asked. */
  speed: string | undefined;
  sizes: Readonly<Record<string, SourceSize>>;
  /** Sources whose size is being counted. */
  counting: ReadonlySet<string>;
  /** Notices beside the plan's: licences, a tokenizer that is not here. */
  notices: readonly string[];
}
