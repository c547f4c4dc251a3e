/**
 * Inputs on the Hub at the commits with which a run folder was begun: a job that goes on reads what it began with, although the branch has
 * moved since. The commits stand in the folder's plan.json, in the addresses of the inputs that were read.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hubName, isCommit, parseHubAddress } from '../io/hub-file.ts';
import type { InputSpec } from '../io/read-plan.ts';

/**
 * The inputs with `commit` where the folder knows it, and which those are. Two revisions of one data set cannot be told apart by their addresses
 * and stay as they are, as does everything in a folder that holds no plan.
 */
export async function atBegunCommits(
  inputs: readonly InputSpec[],
  folder: string,
): Promise<{ inputs: InputSpec[]; pinned: { path: string; commit: string }[] }> {
  const commits = new Map<string, Set<string>>();
  for (const path of await plannedPaths(folder)) {
    if (!path.startsWith('hf://datasets/')) continue;
    const address = parseHubAddress(path);
    const name = hubName(address);
    commits.set(name, (commits.get(name) ?? new Set()).add(address.revision));
  }
  const pinned: { path: string; commit: string }[] = [];
  const settled = inputs.map((input) => {
    if (!input.path.startsWith('hf://')) return input;
    const address = parseHubAddress(input.path);
    const [commit, ...others] = commits.get(hubName(address)) ?? [];
    if (isCommit(address.revision) || commit === undefined || others.length > 0) return input;
    pinned.push({ path: input.path, commit });
    return { ...input, commit };
  });
  return { inputs: settled, pinned };
}

/** Paths of the inputs of the plan there; none where there is no plan or a damaged one, which the job itself reports. */
async function plannedPaths(folder: string): Promise<string[]> {
  try {
    const { inputs } = JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')) as {
      inputs: { path: string }[];
    };
    return inputs.map(({ path }) => path);
  } catch {
    return [];
  }
}
