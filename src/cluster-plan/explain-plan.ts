/** Every number of a plan with its formula and the assumptions under it, part by part down to what was given, then the assumptions with their sources. */
import { type Figure, partsOf, plainNumber } from './figure.ts';
import type { ClusterPlan } from './plan-cluster.ts';

/** The plan's figures in its order by section (`stages.measure`, `training.stable`); what a figure is made of comes before it. */
export function figuresOf(plan: ClusterPlan): { section: string; figures: Figure[] }[] {
  const sections = new Map<string, Figure[]>();
  const collect = (value: unknown, section: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (isFigure(value)) {
      const own = sections.get(section) ?? [];
      sections.set(section, own);
      for (const part of partsOf(value)) collect(part, section);
      own.push(value);
      return;
    }
    for (const inner of Object.values(value)) {
      const name = (inner as { name?: unknown } | null)?.name;
      collect(inner, Array.isArray(value) && typeof name === 'string' ? `${section}: ${name}` : section);
    }
  };
  for (const key of ['corpus', 'kept', 'stages', 'total', 'refine', 'training', 'rl'] as const)
    collect(plan[key], key);
  return [...sections].map(([section, figures]) => ({ section, figures }));
}

function isFigure(value: object): value is Figure {
  return 'formula' in value && 'because' in value;
}

export function explainPlan(plan: ClusterPlan): string {
  const number = new Map(plan.assumptions.map(({ id }, i) => [id, i + 1]));
  const seen = new Set<string>();
  const text = figuresOf(plan).map(({ section, figures }) => {
    const lines = figures
      .filter(({ formula }) => formula !== '')
      .map(({ name, value, unit, formula, because }) => {
        const notes = because.map((id) => number.get(id)).join(' ');
        return `  ${name} = ${formula} = ${plainNumber(value)}${unit === '' ? '' : ` ${unit}`}${notes === '' ? '' : `   [${notes}]`}\n`;
      })
      // A figure that several sections rest on is explained in the first.
      .filter((line) => !seen.has(line) && seen.add(line));
    return lines.length === 0 ? '' : `${section}\n${lines.join('')}`;
  });
  const assumptions = plan.assumptions.map(
    ({ text: said, source, evidence }, i) => `[${i + 1}] ${evidence}: ${said}\n    ${source}\n`,
  );
  return `${text.join('')}\nassumptions\n${assumptions.join('')}`;
}
