/**
 * The stages of a filter job between its two passes: compare (every part of the hash range reads its keys from every unit's signature file) and dedup
 * (one process makes clusters and chooses the copies that stay). Parts are counted by the code that makes them; how long keys and opened files
 * take was measured apart.
 */
import { minHashPresets } from '../dedup/minhash-config.ts';
import { planParts } from '../dedup/plan-parts.ts';
import type { ClusterDescription } from './cluster-config.ts';
import { measured, type PlanContext, stated } from './context.ts';
import type { DataPlan, Survivors } from './data-plan.ts';
import { computed, type Figure, given, largest, nothing, product, resting, sum } from './figure.ts';
import { planStage, type StagePlan } from './stage.ts';

const signatureEntryBytes = 16;
const edgeBytes = 8;
const clusterBytes = 12;
/** cluster-documents.ts: parent and size. choose-copies.ts: 24 bytes a clustered document, 20 more while they are read, 27 in keep-best.ts. */
const unionFindBytes = 8;
const chooseBytes = 71;
/** A dropped copy is an object until its unit's list is written: V8's layout of two small numbers, and its place in an array. */
const droppedBytes = 48;
/** limits.workerMegabytes of a pipeline, by default. */
const heapBytes = 2048 * 2 ** 20;

export function signatureBytes(context: PlanContext, documents: Figure): Figure {
  return product('bytes of signatures', 'bytes', [
    documents,
    given('bands', bandsOf(context), ''),
    given('bytes a band', signatureEntryBytes, 'bytes'),
  ]);
}

function bandsOf({ description }: PlanContext): number {
  const preset = description.filter!.dedup as Exclude<
    NonNullable<ClusterDescription['filter']>['dedup'],
    'none'
  >;
  return minHashPresets[preset].bands;
}

export function dedupStages(
  context: PlanContext,
  { documents, units }: DataPlan['corpus'],
  survivors: Survivors,
  duplicates: Figure,
  signatures: Figure,
  preset: string,
): StagePlan[] {
  const { rates, description, problems } = context;
  const { dedup } = rates;
  const bands = given('bands', bandsOf(context), '');
  const parts = computed(
    'parts',
    '',
    planParts(documents.value, bands.value).length,
    `planParts (src/dedup) of ${preset}`,
    [documents, bands],
  );
  const opens = product('files opened', '', [parts, units]);
  const [few, many] = [dedup.parts * dedup.units, dedup.many.parts * dedup.many.units];
  const perOpen = Math.max(0, (dedup.many.edgesSeconds - dedup.edgesSeconds) / (many - few));
  const stating = description.storage.openMilliseconds;
  const open =
    stating === undefined
      ? measured(
          context,
          'opening a file',
          'seconds to open a file',
          's',
          perOpen,
          `(${dedup.many.edgesSeconds.toFixed(2)} - ${dedup.edgesSeconds.toFixed(2)}) s / (${many} - ${few}) files, on a local disk`,
        )
      : product(
          'seconds to open a file',
          's',
          [stated(context, 'storage.openMilliseconds', 'milliseconds to open a file', 'ms', stating)],
          [given('milliseconds a second', 1000, '')],
        );
  const entry = measured(
    context,
    'compare',
    'seconds a key to compare',
    's',
    Math.max(0, dedup.edgesSeconds - perOpen * few) / (dedup.documents * dedup.bands),
    `${dedup.edgesSeconds.toFixed(2)} s for ${dedup.documents} documents x ${dedup.bands} bands, less the opening of files`,
  );
  const clustered = product('documents in clusters', '', [
    documents,
    stated(context, 'filter.clusteredShare', 'share in clusters', '', description.filter!.clusteredShare),
  ]);
  const edges = product('bytes of edges, at most', 'bytes', [
    clustered,
    bands,
    given('bytes an edge', edgeBytes, 'bytes'),
  ]);
  const single = measured(
    context,
    'dedup',
    'seconds a document to cluster and choose',
    's',
    (dedup.clusterSeconds + dedup.chooseSeconds) / dedup.documents,
    `(${dedup.clusterSeconds.toFixed(2)} + ${dedup.chooseSeconds.toFixed(2)}) s for ${dedup.documents} documents, ${dedup.clustered} in clusters`,
  );
  const lists = product('bytes of cluster files', 'bytes', [
    clustered,
    given('bytes a clustered document', clusterBytes, 'bytes'),
  ]);
  const memory = dedupMemory(
    context,
    documents,
    clustered,
    product('copies', '', [survivors.documents, duplicates]),
  );
  const node = description.nodes.data!.memory;
  if (memory.value > node)
    problems.push(
      `dedup needs ${Math.round(memory.value / 1e9)} GB in one process and a node has ${Math.round(node / 1e9)} GB: take a node with more memory for this stage, or split the job`,
    );
  return [
    planStage(context, {
      name: 'compare',
      documents,
      read: signatures,
      temporary: edges,
      written: nothing,
      seconds: sum('core seconds of compare', 's', [
        product('core seconds of keys', 's', [documents, bands, entry]),
        product('core seconds of opening', 's', [opens, open]),
      ]),
      units: parts,
      note: `${parts.value} parts, each reading ${units.value} signature files`,
    }),
    planStage(context, {
      name: 'dedup',
      documents,
      read: edges,
      temporary: lists,
      written: nothing,
      seconds: product('core seconds of dedup', 's', [documents, single]),
      alone: { peakMemory: memory },
    }),
  ];
}

function dedupMemory(context: PlanContext, documents: Figure, clustered: Figure, copies: Figure): Figure {
  context.assumptions.add({
    id: 'dedup memory',
    text: `clustering: ${unionFindBytes} bytes a document; choosing: a bit a document, ${chooseBytes} bytes a clustered one, ${droppedBytes} a copy`,
    source:
      'src/dedup/cluster-documents.ts, src/stages/choose-copies.ts, src/dedup/keep-best.ts; the last is V8 and was not measured',
    evidence: 'own',
  });
  const held = product('memory of copies', 'bytes', [copies, given('bytes a copy', droppedBytes, 'bytes')]);
  if (held.value > heapBytes)
    context.problems.push(
      `dedup lists ${Math.round(copies.value / 1e6)}M copies on the JavaScript heap, about ${(held.value / 2 ** 30).toFixed(1)} GiB, more than limits.workerMegabytes allows by default (2048): raise it in the pipeline`,
    );
  const choosing = sum('memory to choose', 'bytes', [
    product('bits of survivors', 'bytes', [documents], [given('bits a byte', 8, '')]),
    product('memory of clustered documents', 'bytes', [
      clustered,
      given('bytes a clustered document', chooseBytes, 'bytes'),
    ]),
    held,
  ]);
  const clustering = product('memory to cluster', 'bytes', [
    documents,
    given('bytes a document', unionFindBytes, 'bytes'),
  ]);
  return resting(largest('memory of dedup', 'bytes', [clustering, choosing]), 'dedup memory');
}
