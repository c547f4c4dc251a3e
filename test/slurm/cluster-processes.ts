/** Processes by what their environment says, as Linux tells in /proc: how tests find the daemons and jobs of a cluster of their own. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ClusterProcess {
  pid: number;
  /** Words of the command line. */
  words: string[];
  environment: Map<string, string>;
}

/** This user's processes with all of these variables; those that end meanwhile are left out, and so is this process. */
export function processesWith(variables: Record<string, string>): ClusterProcess[] {
  const wanted = Object.entries(variables);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const environment = new Map(
          readFileSync(`/proc/${name}/environ`, 'utf8')
            .split('\0')
            .map((pair): [string, string] => {
              const at = pair.indexOf('=');
              return [pair.slice(0, at), pair.slice(at + 1)];
            }),
        );
        if (!wanted.every(([key, value]) => environment.get(key) === value)) return [];
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
        return [{ pid: Number(name), words, environment }];
      } catch {
        return []; // ended, or another user's
      }
    });
}
