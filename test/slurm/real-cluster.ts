/**
 * A real Slurm for tests: slurmctld and one slurmd per node, all on this machine, as this user, in a folder that goes with the test.
 *
 * No munge, no root, no cgroups: auth/none on loopback and process groups, which nobody but this user's own tests should speak to. Timers
 * are short so that a test takes seconds: scheduling within a second, SIGKILL `killWait` seconds after SIGTERM, a node down after
 * 10 s, a requeued job eligible after `cred_expire` + 1 s (120 s by default). Nodes claim more processors than there are, so that elements run
 * beside each other on a small machine. What it cannot show: several machines (the file system is shared because it is one), memory limits.
 * (data-engine.md 6.3; slurm.conf(5) of 22.05)
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ClusterProcess, processesWith } from './cluster-processes.ts';
import type { Slurm } from './unpack-slurm.ts';

export interface ClusterOptions {
  nodes?: number;
  /** Processors that each node claims. */
  cpus?: number;
  /** Seconds between SIGTERM and SIGKILL. */
  killWait?: number;
  maxArraySize?: number;
}

export type Daemon = 'slurmctld' | `n${number}`;

/** One line of the queue; `element` is undefined for a job that is no array. */
export interface QueuedJob {
  id: string;
  arrayId: string;
  element: string | undefined;
  state: string;
  reason: string;
  name: string;
}

export class RealCluster {
  readonly folder: string;
  /** For commands and for the program under test; jobs inherit it from sbatch. */
  readonly env: Record<string, string>;
  private readonly slurm: Slurm;
  private readonly guardian: ChildProcess;
  private readonly daemons = new Map<Daemon, ChildProcess>();

  private constructor(slurm: Slurm, folder: string, guardian: ChildProcess) {
    this.slurm = slurm;
    this.folder = folder;
    this.guardian = guardian;
    const { SLURM_JOB_ID: _job, LD_LIBRARY_PATH: libraries, ...rest } = process.env;
    this.env = { ...(rest as Record<string, string>), SLURM_CONF: join(folder, 'slurm.conf') };
    this.env.PATH = [slurm.commands, process.env.PATH].join(delimiter);
    const folders = [...slurm.libraries, ...(libraries === undefined ? [] : [libraries])];
    if (folders.length > 0) this.env.LD_LIBRARY_PATH = folders.join(delimiter);
  }

  /** Starts the daemons and waits until every node is idle. Throws what their logs say where they end before. */
  static async start(slurm: Slurm, options: ClusterOptions = {}): Promise<RealCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'midtrain-slurm-'));
    const script = fileURLToPath(new URL('./cluster-guardian.ts', import.meta.url));
    const guardian = spawn(process.execPath, [script, folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    const cluster = new RealCluster(slurm, folder, guardian);
    try {
      const nodes = Array.from({ length: options.nodes ?? 2 }, (_, i): Daemon => `n${i + 1}`);
      mkdirSync(join(folder, 'state'));
      writeFileSync(join(folder, 'plugstack.conf'), '');
      const ports = await freePorts(nodes.length + 1);
      writeFileSync(cluster.env.SLURM_CONF!, slurmConf(slurm, folder, nodes, ports, options));
      await cluster.restart('slurmctld');
      if (nodes.length > 1 && !/MULTIPLE_SLURMD\s*= Yes/.test(cluster.command('scontrol', 'show', 'config')))
        throw new Error('this Slurm was built without --enable-multiple-slurmd: one node a machine');
      for (const node of nodes) await cluster.restart(node);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Starts a daemon (again) and waits until it serves: the controller answers, the node is up. */
  async restart(daemon: Daemon): Promise<void> {
    const isController = daemon === 'slurmctld';
    const program = isController ? this.slurm.slurmctld : this.slurm.slurmd;
    const args = isController ? ['-D'] : ['-D', '-N', daemon, '-d', this.slurm.slurmstepd];
    const log = openSync(join(this.folder, `${daemon}.out`), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: this.env, detached: true });
    closeSync(log);
    child.on('error', () => {}); // seen as an exit code below
    this.daemons.set(daemon, child);
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
        throw new Error(`${daemon} did not start:\n${this.logOf(daemon)}`);
      if (isController ? this.answers() : this.isUp(daemon)) return;
      await sleep(50);
    }
  }

  /** SIGKILL, and waits until it is gone. Jobs and their slurmstepd live on. */
  async kill(daemon: Daemon): Promise<void> {
    const child = this.daemons.get(daemon);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${daemon} is not running`);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    // It keeps the log and the signals of the controller's scripts; it outlives a killed controller by moments.
    if (daemon === 'slurmctld')
      while (this.processes().some(({ words }) => words[0]!.includes('slurmscriptd'))) await sleep(20);
  }

  /** Runs a command of Slurm; its output. Throws with what it printed where it fails. */
  command(name: string, ...args: string[]): string {
    const { status, stdout, stderr } = this.attempt(name, ...args);
    if (status !== 0) throw new Error(`${name} ${args.join(' ')} failed with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  /** The same without throwing. */
  attempt(name: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(join(this.slurm.commands, name), args, {
      env: this.env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  /** What waits and runs, one line per element. */
  queue(): QueuedJob[] {
    const lines = this.command('squeue', '--noheader', '--array', '--format=%i|%F|%K|%T|%r|%j').split('\n');
    return lines.filter(Boolean).map((line) => {
      const [id, arrayId, element, state, reason, name] = line.split('|') as [string, ...string[]];
      return {
        id,
        arrayId: arrayId!,
        element: element === 'N/A' ? undefined : element,
        state: state!,
        reason: reason!,
        name: name!,
      };
    });
  }

  /** Every process of the cluster and of its jobs, commands under test included. */
  processes(): ClusterProcess[] {
    return processesWith({ SLURM_CONF: this.env.SLURM_CONF! });
  }

  /** The programs that jobs run, not what Slurm itself runs. */
  jobProcesses(): ClusterProcess[] {
    return this.processes().filter(
      ({ words, environment }) =>
        environment.has('SLURM_JOB_ID') && !/slurm(stepd|script|d|ctld)/.test(words[0] ?? ''),
    );
  }

  /** Waits until `look` finds something. Without a limit of its own: the test has one. */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      await sleep(20);
    }
  }

  logOf(daemon: Daemon): string {
    const file = join(this.folder, `${daemon}.out`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '(it wrote nothing)';
  }

  /** Kills everything and removes the folder: what the guardian does as well when the test dies. */
  async stop(): Promise<void> {
    if (this.guardian.exitCode !== null) return;
    const gone = new Promise((resolve) => this.guardian.once('exit', resolve));
    this.guardian.stdin!.end();
    await gone;
  }

  private answers(): boolean {
    return this.attempt('scontrol', 'ping').stdout.includes('is UP');
  }

  private isUp(node: Daemon): boolean {
    const state = this.attempt('sinfo', '--noheader', `--nodes=${node}`, '--format=%t').stdout.trim();
    return /^(idle|mix|alloc|comp)$/.test(state);
  }
}

function slurmConf(
  { plugins }: Slurm,
  folder: string,
  nodes: Daemon[],
  ports: number[],
  { cpus = 4, killWait = 5, maxArraySize = 1001 }: ClusterOptions,
): string {
  const machine = hostname().split('.')[0]!;
  const user = userInfo().username;
  return `ClusterName=midtrain
SlurmctldHost=${machine}(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=${folder}/ended.log
MailProg=/bin/true
${plugins === undefined ? '' : `PluginDir=${plugins}\n`}PlugStackConfig=${folder}/plugstack.conf
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool-%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldTimeout=30
SlurmdTimeout=10
KillWait=${killWait}
MessageTimeout=5
MinJobAge=300
InactiveLimit=0
ReturnToService=2
MaxArraySize=${maxArraySize}
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=100000,bf_interval=1,batch_sched_delay=1
SlurmdParameters=config_overrides
${nodes
  .map(
    (node, i) =>
      `NodeName=${node} NodeHostname=${machine} NodeAddr=127.0.0.1 Port=${ports[i + 1]} CPUs=${cpus} RealMemory=8000 State=UNKNOWN`,
  )
  .join('\n')}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

/** Ports of loopback that nobody listens on now; another process may take one before the daemon does, which then says so. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.on('error', reject).listen(0, '127.0.0.1', () => {
            resolve((server.address() as { port: number }).port);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
