/** Arms that have the same of something, so that it is shown once and not for every arm. */
import type { StepRole } from './ablation-data.ts';
import type { AblationView, ArmView } from './ablation-view.ts';
import type { PreparedRun } from './report-run.ts';

export interface ArmGroup {
  arms: ArmView[];
  /** Of the first seed that has one. */
  run: PreparedRun;
  /** Of every arm and seed of the group, each once. */
  runs: PreparedRun[];
  /** The arms by name, or `all arms`. */
  label: string;
}

/** Groups of arms for which `key` of the role's run is the same; arms without such a run are in none. */
export function armGroups(view: AblationView, role: StepRole, key: (run: PreparedRun) => string): ArmGroup[] {
  const groups = new Map<string, { arms: ArmView[]; runs: Set<PreparedRun> }>();
  for (const arm of view.arms) {
    const runs = arm.cells.flatMap((cell) => view.runOf(cell, role) ?? []);
    if (runs.length === 0) continue;
    const name = key(runs[0]!);
    const group = groups.get(name) ?? { arms: [], runs: new Set() };
    group.arms.push(arm);
    for (const run of runs) group.runs.add(run);
    groups.set(name, group);
  }
  return [...groups.values()].map(({ arms, runs }) => ({
    arms,
    run: [...runs][0]!,
    runs: [...runs],
    label: arms.length === view.arms.length ? 'all arms' : arms.map(({ label }) => label).join(', '),
  }));
}
