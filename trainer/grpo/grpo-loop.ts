/**
 * The loop of a GRPO run that has been opened: step, evaluation, metrics, watchers, checkpoints, events. A step's row is written after its
 * evaluation; a run stopped between the two keeps the row in its checkpoint and evaluates first when it goes on.
 */
import path from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import type { Emit } from '../../src/core/events.ts';
import { type Run, startRun } from '../../src/io/run-record.ts';
import { pairedDifference } from '../evaluation/accuracy.ts';
import { usedKernels } from '../gpu/tuning.ts';
import { checkpointName, listCheckpoints, pruneCheckpoints, saveCheckpoint } from '../learner/checkpoint.ts';
import { saveModel } from '../model/folder.ts';
import type { GrpoConfig } from './config.ts';
import { evaluateHeldout } from './evaluate-heldout.ts';
import { type GrpoState, type PendingStep, writeGrpoState } from './grpo-state.ts';
import { LengthSchedule } from './length-schedule.ts';
import { presetInUse } from './presets.ts';
import { type Rollback, rollBack, rollbackTarget } from './rollback.ts';
import { changeInWords } from './rollback-change.ts';
import { RolloutLog } from './rollout-log.ts';
import { type GrpoSetup, referenceFolder } from './setup.ts';
import { signatureWatcher } from './signature-watcher.ts';
import { grpoStep } from './step.ts';
import type { Finding, RunWatcher, WatchedStep } from './watch.ts';

export interface GrpoOptions {
  emit: Emit;
  signal: AbortSignal;
  /** Where relative paths of reward modules start: the config's folder. Default: the working directory. */
  folder?: string;
  /** Keys of the config that may differ from the stopped run's (resume.ts). */
  allowChanges?: readonly string[];
  /** Makes what watches the run, called once for every time it is opened. Default: the failure signatures of the config. */
  watch?: () => RunWatcher;
}

export interface GrpoResult {
  runFolder: string;
  checkpoint: string;
  startAccuracy: number;
  endAccuracy: number;
  /** Change of accuracy over the same problems, with its 95 % interval. */
  change: number;
  interval: [number, number];
}

/** What the loop was opened for: the config as it was given, and what came before. */
export interface LoopOrigin {
  config: GrpoConfig;
  configFingerprint: string;
  rollbacks: readonly Rollback[];
  checkpoint: string | undefined;
}

/** A step without any reward teaches nothing; after so many in a row the reward is broken, and hours would be spent on it. */
const mostUnscored = 8;

export class GrpoLoop {
  private readonly setup: GrpoSetup;
  private readonly origin: LoopOrigin;
  private readonly options: GrpoOptions;
  private readonly record: Run;
  private readonly log: RolloutLog;
  private readonly watcher: RunWatcher;
  private readonly lengths: LengthSchedule;
  private readonly kept: Pick<GrpoState, 'findings' | 'startCorrect' | 'lastCorrect' | 'pending'>;
  private checkpoint: string | undefined;
  /** Steps in a row of which no sample had a reward. */
  private unscored = 0;
  /** Steps done when the last checkpoint was saved or loaded. */
  private savedAt: number;

  constructor(setup: GrpoSetup, origin: LoopOrigin, options: GrpoOptions) {
    this.setup = setup;
    this.origin = origin;
    this.options = options;
    this.checkpoint = origin.checkpoint;
    const { config, plan, state, grpoState } = setup;
    this.savedAt = state.step;
    this.kept = {
      findings: [...(grpoState?.findings ?? [])],
      startCorrect: grpoState?.startCorrect ?? [],
      lastCorrect: grpoState?.lastCorrect ?? [],
      pending: grpoState?.pending,
    };
    this.lengths = new LengthSchedule(plan.lengths, config.length_advance, grpoState?.length);
    this.watcher = options.watch?.() ?? signatureWatcher(config.signatures);
    if (grpoState) this.watcher.restore(grpoState.watcher);
    this.record = startRecord(setup, origin);
    if (config.tensorboard) this.record.metrics.mirror(path.join(config.out, 'tensorboard'));
    this.log = new RolloutLog(path.join(config.out, 'rollouts.jsonl'), state.step);
  }

  /** Steps done. */
  get step(): number {
    return this.setup.state.step;
  }

  close(): void {
    this.log.close();
  }

  async run(): Promise<GrpoResult | 'rolled back'> {
    const { config, state, plan, gpu } = this.setup;
    const { emit, signal } = this.options;
    const task = config.name;
    const going = this.origin.checkpoint === undefined ? '' : `, going on from step ${state.step}`;
    const text = `GRPO: ${config.steps} steps of ${config.prompts_per_step} prompts x ${config.num_generations} on ${gpu.info.name}${going}`;
    emit({ kind: 'message', level: 'info', text });
    for (const note of plan.notes) emit({ kind: 'message', level: 'warn', text: note });
    emit({ kind: 'start', task, total: config.steps, unit: 'step' });
    const began = performance.now();
    if (state.step === 0 && this.kept.startCorrect.length === 0) await this.evaluateStart();
    for (;;) {
      if (this.kept.pending) {
        const findings = await this.endStep(this.kept.pending);
        if (await this.act(findings)) return 'rolled back';
      }
      if (state.step >= config.steps) break;
      signal.throwIfAborted();
      await this.takeStep();
    }
    const checkpoint = await this.save();
    const result = this.result(checkpoint);
    const seconds = (performance.now() - began) / 1000;
    const numbers = {
      'accuracy before %': 100 * result.startAccuracy,
      'accuracy after %': 100 * result.endAccuracy,
    };
    emit({ kind: 'end', task, done: state.step, unit: 'step', seconds, numbers });
    this.finish('done', { ...result });
    return result;
  }

  /** Closes the record of the run with what every ending says. */
  finish(status: 'done' | 'failed' | 'interrupted', summary: Record<string, unknown>): void {
    const { config, benchmarks } = this.setup;
    this.record.finish(status, {
      steps: this.step,
      evalProblems: benchmarks[0]!.problems.length,
      evalTemperature: config.eval_temperature,
      findings: this.kept.findings,
      rollbacks: this.origin.rollbacks,
      ...summary,
    });
  }

  /** A checkpoint of where the run is, unless there is one. */
  async saveWhatIsNew(): Promise<void> {
    if (this.step > this.savedAt) await this.save();
  }

  private async evaluateStart(): Promise<void> {
    const { benchmarks, startBenchmarks, settings } = this.setup;
    const all = [...benchmarks, ...startBenchmarks];
    const { correct, metrics } = await evaluateHeldout(all, this.lengths.length(0), this.options.signal);
    Object.assign(metrics, this.evaluationFailures());
    this.kept.startCorrect = correct;
    this.kept.lastCorrect = correct;
    const found = this.observe({ metrics, rollouts: [], allowedLength: this.lengths.length(0) });
    const measured = { ...metrics, ...this.watcher.values?.() };
    this.record.metrics.append({
      step: 0,
      phase: 'grpo',
      eval_template: settings.template.name,
      ...measured,
    });
    this.tell(found);
  }

  /** Rolls out and updates; leaves the step's metrics pending. */
  private async takeStep(): Promise<void> {
    const { config, state, learner } = this.setup;
    const { step } = state;
    const allowed = this.lengths.length(step);
    const began = performance.now();
    const place = { step, sequence: state.data.sequence, allowed, rollbacks: this.origin.rollbacks.length };
    const done = await grpoStep(this.setup, place, this.options.signal);
    if (done.stuck) {
      throw new UserError(`no update of step ${step + 1} had a finite gradient`, {
        hint: `lower schedule.learning_rate; the last checkpoint is ${this.checkpoint ?? config.model}`,
      });
    }
    this.unscored = done.metrics['rewards/unscored'] === 1 ? this.unscored + 1 : 0;
    if (this.unscored === mostUnscored) {
      throw new UserError(
        `nothing could be scored in ${mostUnscored} steps, up to step ${step + 1}: ${this.setup.failures.last ?? 'every reward was null'}`,
        { hint: `mend the reward; the last checkpoint is ${this.checkpoint ?? config.model}` },
      );
    }
    state.step++;
    state.optimizerSteps = learner.steps;
    state.data.sequence += done.promptsDrawn;
    state.tokens += done.tokens;
    this.lengths.observe(step, done.metrics['completions/clipped_ratio']!);
    this.log.append(state.step, done.rollouts, config.log_rollouts, config.num_generations);
    const seconds = (performance.now() - began) / 1000;
    const { metrics } = done;
    const found = this.observe({ metrics, rollouts: done.rollouts, allowedLength: allowed });
    this.kept.pending = {
      metrics: {
        ...metrics,
        ...this.setup.failures.take(),
        num_tokens: state.tokens,
        step_time: seconds,
        'timing_s/step': seconds,
        ...this.watcher.values?.(),
      },
      findings: [...found],
    };
  }

  /** Evaluates where it is time to, writes the step's row, tells of it, saves. */
  private async endStep(pending: PendingStep): Promise<readonly Finding[]> {
    const { config, state, benchmarks } = this.setup;
    const { signal, emit } = this.options;
    const found = [...pending.findings];
    let evaluation: Record<string, number> = {};
    if (state.step % config.eval_every === 0 || state.step === config.steps) {
      const began = performance.now();
      const allowed = this.lengths.length(Math.max(0, state.step - 1));
      const { correct, metrics } = await evaluateHeldout(benchmarks, allowed, signal);
      Object.assign(metrics, this.evaluationFailures());
      this.kept.lastCorrect = correct;
      const more = this.observe({ metrics, rollouts: [], allowedLength: allowed });
      found.push(...more);
      evaluation = {
        ...metrics,
        'timing_s/testing': (performance.now() - began) / 1000,
        ...this.watcher.values?.(),
      };
    }
    this.record.metrics.append({
      step: state.step,
      phase: 'grpo',
      ...pending.metrics,
      ...(this.origin.rollbacks.length > 0 ? { rollbacks: this.origin.rollbacks.length } : {}),
      ...evaluation,
    });
    this.kept.pending = undefined;
    this.tell(found);
    const bad = found.some((finding) => finding.action !== 'warn');
    if (!bad && state.step % config.checkpoint_every === 0 && state.step < config.steps) await this.save();
    const accuracy = evaluation.eval_accuracy;
    emit({
      kind: 'progress',
      task: config.name,
      done: state.step,
      total: config.steps,
      unit: 'step',
      numbers: {
        ...(pending.metrics.reward === undefined ? {} : { reward: pending.metrics.reward }),
        length: pending.metrics['completions/mean_length']!,
        'clipped %': 100 * pending.metrics['completions/clipped_ratio']!,
        ...(accuracy === undefined ? {} : { 'accuracy %': 100 * accuracy }),
      },
    });
    return found;
  }

  /** Batches of the evaluation just done whose reward failed. */
  private evaluationFailures(): Record<string, number> {
    const counts = Object.entries(this.setup.failures.take());
    return Object.fromEntries(counts.map(([name, count]) => [`eval_${name}`, count]));
  }

  private observe(seen: Omit<WatchedStep, 'step'>): readonly Finding[] {
    return this.watcher.observe({ step: this.step, ...seen });
  }

  /** Says what was found, and remembers the first finding of each signature. */
  private tell(findings: readonly Finding[]): void {
    for (const { signature, text } of findings) {
      this.options.emit({ kind: 'message', level: 'warn', text: `step ${this.step}: ${text}` });
      if (this.kept.findings.some((earlier) => earlier.signature === signature)) continue;
      this.kept.findings.push({ signature, step: this.step, text });
      this.record.update({ summary: { findings: this.kept.findings } });
    }
  }

  /** Does what findings ask for. True: the run went back. */
  private async act(findings: readonly Finding[]): Promise<boolean> {
    const { config, origin } = this;
    const stop = findings.find((finding) => finding.action === 'stop');
    const back = findings.filter((finding) => finding.action === 'rollback');
    if (!stop && back.length === 0) return false;
    const change = config.rollback[origin.rollbacks.length];
    if (stop || !change) {
      const { signature, text } = stop ?? back[0]!;
      const none = `${config.rollback.length === 0 ? 'no change to go back with' : 'all changes to go back with have been tried'} (rollback:)`;
      throw new UserError(`stopped at step ${this.step} by ${signature}: ${text}${stop ? '' : `; ${none}`}`, {
        hint: `the last checkpoint is ${this.checkpoint ?? config.model}`,
      });
    }
    const lastGood = Math.min(...back.map((finding) => finding.lastGood ?? this.step - 1));
    const to = rollbackTarget(listCheckpoints(config.out), lastGood);
    const { signature, text } = back[0]!;
    const rollbacks = [...origin.rollbacks, { from: this.step, to, signature, text, change }];
    this.record.metrics.close();
    await rollBack(config.out, origin.configFingerprint, rollbacks);
    const say = `${signature} at step ${this.step}: back to step ${to}, with ${changeInWords(change)}`;
    this.options.emit({ kind: 'message', level: 'warn', text: say });
    return true;
  }

  private get config(): GrpoConfig {
    return this.setup.config;
  }

  private async save(): Promise<string> {
    const { config, state, learner, gpu, reference } = this.setup;
    const folder = path.join(config.out, 'checkpoints', checkpointName(state.step));
    const grpoState: GrpoState = {
      rollbacks: this.origin.rollbacks.length,
      length: this.lengths.state(),
      watcher: this.watcher.state(),
      ...this.kept,
    };
    await saveCheckpoint(folder, learner, { ...state, kernels: usedKernels(gpu) }, config.model, async () => {
      const names = [await writeGrpoState(folder, grpoState)];
      if (!reference || !config.sync_ref_model) return names;
      await saveModel(reference.weights, path.join(folder, referenceFolder));
      return [...names, path.join(referenceFolder, 'model.safetensors')];
    });
    await pruneCheckpoints(config.out, config.keep_checkpoints);
    this.checkpoint = folder;
    this.savedAt = state.step;
    return folder;
  }

  private result(checkpoint: string): GrpoResult {
    const { startCorrect, lastCorrect } = this.kept;
    const share = (correct: readonly number[]) => correct.reduce((a, b) => a + b, 0) / correct.length;
    const { mean, interval } = pairedDifference(startCorrect, lastCorrect);
    return {
      runFolder: this.config.out,
      checkpoint,
      startAccuracy: share(startCorrect),
      endAccuracy: share(lastCorrect),
      change: mean,
      interval,
    };
  }
}

function startRecord({ config, settings, state, gpu, plan }: GrpoSetup, origin: LoopOrigin): Run {
  const { template } = settings;
  const run = startRun(config.out, {
    command: 'grpo',
    name: config.name,
    config: origin.config,
    evidence: [
      { name: `template ${template.name}`, value: template.text, evidence: template.evidence },
      ...presetInUse(origin.config).map(({ key, value, own, evidence, source }) => ({
        name: `${config.preset}: ${key}`,
        value,
        evidence,
        note: own === undefined ? source : `${source}; this run has ${JSON.stringify(own)}`,
      })),
    ],
    inputs: [config.problems, ...plan.heldout.map(({ problems }) => problems)].map((from) => ({
      path: typeof from === 'string' ? from : from.set,
    })),
    parents: [config.model],
    device: { ...gpu.info, kernels: usedKernels(gpu) },
    summary: {
      rollbacks: origin.rollbacks,
      ...(state.changes === undefined ? {} : { changes: state.changes }),
    },
  });
  // A run killed before its first checkpoint begins again, its evaluation of step 0 too.
  run.metrics.rewind((row) => row.step > state.step || origin.checkpoint === undefined);
  return run;
}
