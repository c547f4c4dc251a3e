/** Rates and a description with round numbers, for plans that can be worked out by hand. */
import { type ClusterDescription, clusterSchema } from '../../src/cluster-plan/cluster-config.ts';
import type { Resolved } from '../../src/cluster-plan/context.ts';
import { type ClusterPlan, planCluster } from '../../src/cluster-plan/plan-cluster.ts';
import { type Rates, ratesSchema } from '../../src/cluster-plan/rates.ts';
import { parseConfig } from '../../src/core/config.ts';
import { modelConfigOf, modelShapes } from '../../trainer/model/model-shapes.ts';

export const madeUpRates: Rates = parseConfig(
  ratesSchema,
  {
    version: 1,
    command: 'made up',
    date: '2026-01-02',
    commit: 'abc1234',
    machine: { cpu: 'a core', cores: 2, memoryBytes: 8e9, system: 'Linux', node: '24', load: [0.1, 0.2] },
    corpus: 'nothing real',
    filter: [
      {
        pages: 'html',
        pipeline: 'math-web',
        source: 'made up, html',
        documents: 100,
        bytes: 1_000_000,
        storedBytes: 200_000,
        textBytes: 400_000,
        survivors: 50,
        survivorTextBytes: 200_000,
        measureSeconds: 2,
        signalsBytes: 10_000,
      },
      {
        pages: 'text',
        pipeline: 'math-web',
        source: 'made up, text',
        documents: 100,
        bytes: 400_000,
        storedBytes: 100_000,
        textBytes: 400_000,
        survivors: 50,
        survivorTextBytes: 200_000,
        measureSeconds: 0.4,
        signalsBytes: 10_000,
        finish: {
          workBytes: 100_000,
          textBytes: 200_000,
          seconds: 0.1,
          keptBytes: 80_000,
          keptTextBytes: 200_000,
        },
      },
    ],
    dedup: {
      documents: 9000,
      bands: 10,
      units: 10,
      parts: 10,
      edgesSeconds: 1,
      many: { units: 110, parts: 10, edgesSeconds: 2 },
      clusterSeconds: 0.9,
      chooseSeconds: 0.9,
      clustered: 3000,
      signatureBytes: 9000 * 160,
    },
    score: { model: 'a model', bytes: 1_000_000, seconds: 0.1 },
    tokenise: { tokenizer: 'a tokenizer', bytes: 1_000_000, tokens: 250_000, seconds: 0.1 },
    write: { tokens: 1_000_000, seconds: 0.05, bytes: 4_000_000 },
    memory: { workers: 2, peakBytes: 2e9, inputBytes: 1e8 },
  },
  'made-up rates',
);

/** As a YAML file would have it. Each test changes what it is about. */
const described = {
  name: 'made up',
  corpus: { documents: 1_000_000, pages: 'html' },
  filter: { dedup: 'datatrove', clusteredShare: 0.2, duplicateShare: 0.1 },
  nodes: {
    data: {
      count: 2,
      cores: 4,
      memory: '16 GB',
      disk: '1 GB/s',
      network: '2 GB/s',
      pricePerHour: 3,
      coreSpeed: 2,
    },
    gpu: { count: 4, gpus: 8, kind: 'Mine', peakTflops: 1000, memory: '80 GB', pricePerHour: 20 },
  },
  efficiency: 0.5,
  training: {
    model: 'Llama-3.2-3B',
    sequenceLength: 8192,
    batchTokens: 4_194_304,
    phases: [{ name: 'stable', tokens: 1_000_000_000 }],
    mfu: 0.5,
    availability: 0.8,
    checkpointEvery: 100,
  },
};

export type Described = typeof described;

/** The description with another value in one place (`nodes.data.cores`); `undefined` takes the key away. */
export function changed(changes: Record<string, unknown>): Described {
  const copy = structuredClone(described) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    let at = copy;
    for (const key of keys.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    if (value === undefined) delete at[keys.at(-1)!];
    else at[keys.at(-1)!] = value;
  }
  return copy as Described;
}

export function parsed(value: unknown): ClusterDescription {
  return parseConfig(clusterSchema, value, 'cluster.yaml');
}

function resolvedOf({ training }: ClusterDescription): Resolved {
  if (training === undefined) return { file: 'cluster.yaml', model: undefined, mixtures: new Map() };
  const shape = modelShapes.find(({ name }) => name === training.model)!;
  return {
    file: 'cluster.yaml',
    model: { shape, config: modelConfigOf(training.model) },
    mixtures: new Map(),
  };
}

export function planned(changes: Record<string, unknown> = {}, rates: Rates = madeUpRates): ClusterPlan {
  const description = parsed(changed(changes));
  return planCluster(description, rates, resolvedOf(description));
}

/** A stage of the plan by its name. */
export function stageOf(plan: ClusterPlan, name: string): ClusterPlan['stages'][number] {
  const stage = plan.stages.find((one) => one.name === name);
  if (stage === undefined)
    throw new Error(`no stage ${name} among ${plan.stages.map((one) => one.name).join(', ')}`);
  return stage;
}
