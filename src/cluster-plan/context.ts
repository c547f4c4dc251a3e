/** What all parts of a cluster plan share: the description, the rates, and the assumptions as they come up. */

import type { RunEstimate } from '../../mixtures/estimate.ts';
import type { MixturePlan } from '../../mixtures/plan.ts';
import type { ModelConfig } from '../../trainer/model/config.ts';
import type { Evidenced } from '../core/evidenced.ts';
import type { ModelShape } from '../core/model-flops.ts';
import type { Assumptions } from './assumption.ts';
import type { ClusterDescription } from './cluster-config.ts';
import { type Figure, given } from './figure.ts';
import type { Rates } from './rates.ts';

/** What the description names and that lies in files (prepare.ts). */
export interface Resolved {
  /** The description's file, for messages. */
  file: string;
  model: { shape: ModelShape; config: ModelConfig } | undefined;
  /** By phase name. */
  mixtures: ReadonlyMap<string, { plan: MixturePlan; estimate: RunEstimate }>;
}

export interface PlanContext {
  description: ClusterDescription;
  rates: Rates;
  resolved: Resolved;
  assumptions: Assumptions;
  /** What will not work as described; the plan says it and goes on. */
  problems: string[];
}

/** A figure of the description under its key, with its evidence. */
export function stated(
  { assumptions, resolved }: Pick<PlanContext, 'assumptions' | 'resolved'>,
  key: string,
  name: string,
  unit: string,
  { value, evidence, note }: Evidenced<number>,
): Figure {
  const id = assumptions.add({
    id: key,
    text: `${name}: ${value}${unit === '' ? '' : ` ${unit}`}`,
    source: `${resolved.file}, ${key}${note === undefined ? '' : `: ${note}`}`,
    evidence,
  });
  return given(name, value, unit, id);
}

/** A ratio of what was measured. */
export function measured(
  { assumptions, rates }: Pick<PlanContext, 'assumptions' | 'rates'>,
  id: string,
  name: string,
  unit: string,
  value: number,
  how: string,
  source = sourceOf(rates),
): Figure {
  assumptions.add({ id, text: `${name}: ${how}`, source, evidence: 'measured' });
  return given(name, value, unit, id);
}

function sourceOf({ command, date, commit, machine }: Rates): string {
  const { cpu, cores, load } = machine;
  return `${command}, ${date}, commit ${commit}, ${cores} x ${cpu}, load ${load[0]} before and ${load[1]} after`;
}
