/** What a Nanotron export is asked for, and what its plan says. */
import type { ModelConfig } from '../../trainer/model/config.ts';
import type { TrainConfig } from '../../trainer/training/train-config.ts';
import type { ExportMixture } from './read-mixture.ts';
import type { BatchSplit, Cluster } from './split-batch.ts';
import type { ExportPlan } from './write-export.ts';

export interface NanotronRequest {
  config: TrainConfig;
  model: ModelConfig;
  /** By the data folder that a phase names. */
  mixtures: ReadonlyMap<string, ExportMixture>;
  /** The data folder of phases that name none. */
  defaultData: string | undefined;
  cluster: Cluster;
  /** Folder under which the export lies where the training runs. */
  at: string;
  /** What Nanotron hands to AutoTokenizer; default the exported folder. */
  tokenizer: string | undefined;
}

export interface NanotronPlan extends ExportPlan {
  kind: 'nanotron';
  split: BatchSplit;
  sequencesPerStep: number;
  phases: { name: string; steps: number; yaml: string }[];
}
