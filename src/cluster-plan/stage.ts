/**
 * A stage of the data side on the nodes of a description: how long it takes, what bounds it, what it costs.
 *
 * Wall clock is the largest of: core seconds over all cores (linear, times the efficiency that the description states, cores limited by what memory
 * holds workers for, and by the units there are); bytes over the nodes' disks; over their networks; over the shared file system. The bound that decides is named. A
 * stage that one process does (clusters) has one core and one node.
 */
import type { PlanContext } from './context.ts';
import { computed, type Figure, given, largest, product, secondsAnHour, sum } from './figure.ts';

type Bound = 'cores' | 'memory' | 'units' | 'disk' | 'network' | 'shared storage' | 'one process';

export interface StagePlan {
  name: string;
  documents: Figure;
  read: Figure;
  /** Needed until the job ends. */
  temporary: Figure;
  written: Figure;
  coreHours: Figure;
  wallHours: Figure;
  bound: Bound;
  nodes: number;
  /** Of the nodes held; undefined without a price. */
  cost: Figure | undefined;
  /** Of one process of a stage that cannot be shared. */
  peakMemory: Figure | undefined;
  note: string | undefined;
}

export interface StageWork {
  name: string;
  documents: Figure;
  read: Figure;
  temporary: Figure;
  written: Figure;
  /** Seconds of one core of the measured machine. */
  seconds: Figure;
  /** Pieces of work that different cores can do. */
  units?: Figure;
  alone?: { peakMemory: Figure };
  note?: string;
}

export function planStage(context: PlanContext, work: StageWork): StagePlan {
  const { description } = context;
  const nodes = description.nodes.data!;
  const alone = work.alone !== undefined;
  nodesAssumption(context);
  const count = given('nodes', alone ? 1 : nodes.count, '', 'nodes.data');
  const { cores, bound: coreBound } = coresOf(context, alone);
  const speed = coreSpeed(context);
  const efficiency = alone ? [] : [efficiencyOf(context)];
  const traffic = sum(`bytes moved by ${work.name}`, 'bytes', [work.read, work.temporary, work.written]);
  const all = product('cores of all nodes', '', [count, cores]);
  const few = work.units !== undefined && work.units.value < all.value;
  const bounds: { bound: Bound; seconds: Figure }[] = [
    {
      bound: few ? 'units' : coreBound,
      seconds: product(
        'seconds of the cores',
        's',
        [work.seconds],
        [...(alone ? [] : [few ? work.units! : all]), ...efficiency, speed],
      ),
    },
  ];
  const lane = (bound: Bound, bandwidth: number | undefined, key: string, perNode: boolean): void => {
    if (bandwidth === undefined) return;
    const width = given(`${bound} bandwidth`, bandwidth, 'bytes/s', key);
    bounds.push({
      bound,
      seconds: product(
        `seconds of the ${bound}`,
        's',
        [traffic],
        [...(perNode && !alone ? [count] : []), width],
      ),
    });
  };
  lane('disk', nodes.disk, 'nodes.data', true);
  lane('network', nodes.network, 'nodes.data', true);
  lane('shared storage', description.storage.bandwidth, 'storage.bandwidth', false);
  const parts = bounds.map(({ seconds }) => seconds);
  const slowest = largest(`seconds of ${work.name}`, 's', parts);
  const wallHours = product(`hours of ${work.name}`, 'h', [slowest], [secondsAnHour]);
  const { pricePerHour } = nodes;
  return {
    name: work.name,
    documents: work.documents,
    read: work.read,
    temporary: work.temporary,
    written: work.written,
    coreHours: product(
      `core hours of ${work.name}`,
      'core h',
      [work.seconds],
      [secondsAnHour, ...efficiency, speed],
    ),
    wallHours,
    bound: bounds.find(({ seconds }) => seconds.value === slowest.value)!.bound,
    nodes: count.value,
    cost:
      pricePerHour === undefined
        ? undefined
        : product(`cost of ${work.name}`, description.currency, [
            wallHours,
            count,
            given('price of a data node an hour', pricePerHour, description.currency, 'nodes.data'),
          ]),
    peakMemory: work.alone?.peakMemory,
    note: work.note,
  };
}

/** Cores that work: those there are, or as many as memory holds workers for. */
function coresOf(context: PlanContext, alone: boolean): { cores: Figure; bound: Bound } {
  const { description, rates, assumptions } = context;
  const { cores, memory } = description.nodes.data!;
  if (alone) return { cores: given('cores', 1, '', 'nodes.data'), bound: 'one process' };
  const { peakBytes, workers } = rates.memory;
  const worker = peakBytes / workers;
  assumptions.add({
    id: 'memory of a worker',
    text: `peak memory of a filter job over ${workers} workers: ${Math.round(worker / 1e6)} MB a worker, a core each`,
    source: `${rates.command}, ${rates.date} (${(rates.memory.inputBytes / 1e6).toFixed(0)} MB of text)`,
    evidence: 'measured',
  });
  const fit = Math.max(1, Math.floor(memory / worker));
  if (fit >= cores)
    return { cores: given('cores of a node', cores, '', 'nodes.data', 'memory of a worker'), bound: 'cores' };
  return {
    cores: computed(
      'workers that fit a node',
      '',
      fit,
      `memory of a node (${memory}) / memory of a worker (${Math.round(worker)}) rounded down`,
      [],
      'nodes.data',
      'memory of a worker',
    ),
    bound: 'memory',
  };
}

function nodesAssumption({ description, assumptions, resolved }: PlanContext): void {
  const { count, cores, pricePerHour } = description.nodes.data!;
  const price = pricePerHour === undefined ? '' : ` at ${pricePerHour} ${description.currency} an hour`;
  assumptions.add({
    id: 'nodes.data',
    text: `${count} nodes of ${cores} cores${price}; a stage holds them all for as long as it takes, one process holds one`,
    source: `${resolved.file}, nodes.data`,
    evidence: 'own',
  });
  if (description.storage.bandwidth !== undefined)
    assumptions.add({
      id: 'storage.bandwidth',
      text: 'the bandwidth of the shared file system is for all nodes together, reading and writing alike',
      source: `${resolved.file}, storage.bandwidth`,
      evidence: 'own',
    });
}

function efficiencyOf({ description, assumptions, resolved }: PlanContext): Figure {
  const { value, evidence, note } = description.efficiency;
  assumptions.add({
    id: 'efficiency',
    text: `a core among many does ${value} of what one core did alone, and so for every number of cores and nodes (linear scaling)`,
    source: `${resolved.file}, efficiency${note === undefined ? '' : `: ${note}`}`,
    evidence,
  });
  return given('efficiency', value, '', 'efficiency');
}

function coreSpeed({ description, assumptions, resolved, rates }: PlanContext): Figure {
  const speed = description.nodes.data!.coreSpeed ?? { value: 1, evidence: 'own' as const };
  const note = speed.note === undefined ? '' : `: ${speed.note}`;
  assumptions.add({
    id: 'coreSpeed',
    text: `a core of the nodes is ${speed.value} times as fast as one of the measured machine (${rates.machine.cpu})`,
    source: `${resolved.file}, nodes.data.coreSpeed${note}`,
    evidence: speed.evidence,
  });
  return given('core speed', speed.value, '', 'coreSpeed');
}
