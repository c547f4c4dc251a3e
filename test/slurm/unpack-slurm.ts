/**
 * Where the programs of a real Slurm are, for tests: installed, or Debian's packages unpacked into a cache folder without installing
 * anything and without root (`apt-get download`, `dpkg -x`). Plugins and libraries are then named by PluginDir and LD_LIBRARY_PATH.
 * The folder is $MIDTRAIN_TEST_SLURM or ~/.cache/midtrain/slurm. (data-engine.md 6.3; seen with slurm-wlm 22.05.8 of Debian 12)
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

export interface Slurm {
  /** Folder of `sbatch`, `squeue`, `scancel`, `scontrol`, `sinfo`. */
  commands: string;
  slurmctld: string;
  slurmd: string;
  slurmstepd: string;
  /** Folders for LD_LIBRARY_PATH; none where Slurm is installed. */
  libraries: string[];
  /** For PluginDir; undefined where Slurm is installed. */
  plugins: string | undefined;
}

/** Debian's names. libhwloc15 is the only library of the daemons that a bare machine lacks. */
const packages = ['slurmctld', 'slurmd', 'slurm-client', 'slurm-wlm-basic-plugins', 'libhwloc15'];
const commandNames = ['sbatch', 'squeue', 'scancel', 'scontrol', 'sinfo'];

export function slurmCache(): string {
  return resolve(process.env.MIDTRAIN_TEST_SLURM ?? join(homedir(), '.cache', 'midtrain', 'slurm'));
}

/** Why a test that needs Slurm is left out. */
export const noSlurm = `there is no Slurm here: neither slurmctld, slurmd and sbatch on the path nor Debian's packages in ${slurmCache()} (npm run test:slurm fetches them)`;

/** An installed Slurm, else an unpacked one; undefined where there is neither. */
export function findSlurm(): Slurm | undefined {
  return installedSlurm() ?? unpackedIn(slurmCache());
}

/** `findSlurm`, which fetches the packages where it finds nothing. Throws an Error that says what is missing where that cannot be done. */
export function unpackSlurm(): Slurm {
  const found = findSlurm();
  if (found !== undefined) return found;
  for (const tool of ['apt-get', 'dpkg', 'ldd'])
    if (onPath(tool) === undefined)
      throw new Error(
        `Slurm cannot be fetched: ${tool} is not here. Install slurm-wlm, or run this on Debian or Ubuntu`,
      );
  const cache = slurmCache();
  mkdirSync(dirname(cache), { recursive: true });
  const draft = mkdtempSync(`${cache}-`);
  try {
    const download = spawnSync('apt-get', ['download', '--quiet', ...packages], {
      cwd: draft,
      encoding: 'utf8',
    });
    if (download.status !== 0)
      throw new Error(
        `Slurm cannot be fetched: \`apt-get download ${packages.join(' ')}\` failed (no network, or package lists that \`apt-get update\` must fetch first):\n${download.stderr}`,
      );
    const tree = join(draft, 'tree');
    for (const name of readdirSync(draft).filter((file) => file.endsWith('.deb'))) {
      const unpack = spawnSync('dpkg', ['-x', join(draft, name), tree], { encoding: 'utf8' });
      if (unpack.status !== 0) throw new Error(`dpkg -x ${name} failed: ${unpack.stderr}`);
    }
    const slurm = unpackedIn(tree);
    if (slurm === undefined)
      throw new Error(`the packages ${packages.join(', ')} do not hold what is needed`);
    const missing = missingLibraries(slurm);
    if (missing.length > 0)
      throw new Error(
        `Slurm was fetched, but its programs need libraries that are not here: ${missing.join(', ')}`,
      );
    rmSync(cache, { recursive: true, force: true });
    renameSync(tree, cache);
    return unpackedIn(cache)!;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function installedSlurm(): Slurm | undefined {
  const sbatch = onPath('sbatch');
  const slurmctld = onPath('slurmctld') ?? onPath('slurmctld-wlm');
  const slurmd = onPath('slurmd') ?? onPath('slurmd-wlm');
  const slurmstepd = onPath('slurmstepd') ?? onPath('slurmstepd-wlm') ?? slurmstepdBeside(slurmd);
  if (!sbatch || !slurmctld || !slurmd || !slurmstepd) return undefined;
  return { commands: dirname(sbatch), slurmctld, slurmd, slurmstepd, libraries: [], plugins: undefined };
}

function slurmstepdBeside(slurmd: string | undefined): string | undefined {
  const place = slurmd === undefined ? undefined : join(dirname(slurmd), 'slurmstepd');
  return place !== undefined && existsSync(place) ? place : undefined;
}

function unpackedIn(tree: string): Slurm | undefined {
  const shared = join(tree, 'usr', 'lib');
  const triplet = existsSync(shared)
    ? readdirSync(shared).find((name) => existsSync(join(shared, name, 'slurm-wlm')))
    : undefined;
  if (triplet === undefined) return undefined;
  const plugins = join(shared, triplet, 'slurm-wlm');
  const daemon = (name: string): string => join(tree, 'usr', 'sbin', `${name}-wlm`);
  const slurm: Slurm = {
    commands: join(tree, 'usr', 'bin'),
    slurmctld: daemon('slurmctld'),
    slurmd: daemon('slurmd'),
    slurmstepd: daemon('slurmstepd'),
    libraries: [join(shared, triplet), plugins],
    plugins,
  };
  return programsOf(slurm).every((program) => existsSync(program)) ? slurm : undefined;
}

const programsOf = ({ commands, slurmctld, slurmd, slurmstepd }: Slurm): string[] => [
  ...commandNames.map((name) => join(commands, name)),
  slurmctld,
  slurmd,
  slurmstepd,
];

function missingLibraries(slurm: Slurm): string[] {
  const env = { ...process.env, LD_LIBRARY_PATH: slurm.libraries.join(delimiter) };
  const lines = programsOf(slurm).flatMap((program) => {
    const { stdout } = spawnSync('ldd', [program], { env, encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line.includes('not found'));
  });
  return [...new Set(lines.map((line) => line.trim().split(' ')[0]!))];
}

/** Daemons lie in sbin folders, which the path of a user without root need not name. */
function onPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
