/** A cluster plan as plain text: tables of stages and phases, what fits, what will not work. Numbers have three digits; `--json` has them all. */
import { formatAmount } from '../core/amount.ts';
import { showBytes, showMemory } from './byte-size.ts';
import type { Figure } from './figure.ts';
import type { ClusterPlan } from './plan-cluster.ts';
import type { TrainingPlan } from './plan-training.ts';

export function clusterTable(plan: ClusterPlan): string {
  return [
    headOf(plan),
    ...(plan.corpus === undefined ? [] : [corpusOf(plan)]),
    ...(plan.total === undefined ? [] : [stagesOf(plan)]),
    ...(plan.refine === undefined ? [] : [refineOf(plan)]),
    ...(plan.training === undefined ? [] : [trainingOf(plan, plan.training)]),
    ...(plan.rl === undefined ? [] : [rlOf(plan)]),
    notesOf(plan),
  ].join('\n');
}

function headOf({ name, rates }: ClusterPlan): string {
  const { cpu, cores, load } = rates.machine;
  return lines([
    `plan ${name}`,
    `rates: ${rates.command}, ${rates.date}, commit ${rates.commit}, ${cores} x ${cpu}, load ${load[0]} before and ${load[1]} after`,
  ]);
}

function corpusOf({ corpus, kept }: ClusterPlan): string {
  const { documents, bytes, stored, textBytes, units } = corpus!;
  return lines([
    `corpus: ${formatAmount(documents.value)} documents, ${showBytes(bytes.value)} (${showBytes(stored.value)} stored), ${showBytes(textBytes.value)} of text, ${formatAmount(units.value)} units`,
    `kept:   ${formatAmount(kept!.documents.value)} documents, ${showBytes(kept!.textBytes.value)} of text (${showBytes(kept!.stored.value)} stored)`,
  ]);
}

function stagesOf(plan: ClusterPlan): string {
  const { stages, total, currency } = plan;
  const head = ['stage', 'read', 'temporary', 'written', 'core h', 'wall h', 'bound by', 'nodes', currency];
  const rows = stages.map((stage) => [
    stage.name,
    bytesCell(stage.read),
    bytesCell(stage.temporary),
    bytesCell(stage.written),
    hours(stage.coreHours),
    hours(stage.wallHours),
    stage.bound,
    String(stage.nodes),
    money(stage.cost),
  ]);
  const { read, temporary, written, coreHours, wallHours, cost } = total!;
  const last = [
    'all, one after the other',
    ...[read, temporary, written].map(bytesCell),
    hours(coreHours),
    hours(wallHours),
    '',
    '',
    money(cost),
  ];
  const notes = stages.flatMap(({ name, note, peakMemory }) => [
    ...(note === undefined ? [] : [`${name}: ${note}`]),
    ...(peakMemory === undefined
      ? []
      : [`${name}: one process, peak memory ${showMemory(peakMemory.value)}`]),
  ]);
  return `${table([head, ...rows, last], 6)}${lines(notes)}`;
}

function refineOf({ refine, currency }: ClusterPlan): string {
  const { model, documents, read, written, gpuHours, wallHours, cost } = refine!;
  const time =
    gpuHours === undefined
      ? 'hours not known (refine.tokensPerSecondPerGpu is not stated)'
      : `${hours(gpuHours)} GPU h, ${hours(wallHours!)} h${cost === undefined ? '' : `, ${money(cost)} ${currency}`}`;
  return lines([
    `refine with ${model}: ${formatAmount(documents.value)} documents, ${formatAmount(read.value)} tokens read, ${formatAmount(written.value)} written; ${time}`,
  ]);
}

function trainingOf({ currency }: ClusterPlan, training: TrainingPlan): string {
  const { phases, total, layout, memory, usableMemory } = training;
  const head = [
    'phase',
    'tokens',
    'steps',
    'FLOP',
    'GPU h',
    'wall h',
    'checkpoints',
    'their bytes',
    currency,
  ];
  const rows = phases.map((phase) => [
    phase.name,
    formatAmount(phase.tokens.value),
    String(phase.steps.value),
    phase.flops.value.toExponential(2).replace('e+', 'e'),
    hours(phase.gpuHours),
    hours(phase.wallHours),
    String(phase.checkpoints.value),
    bytesCell(phase.checkpointBytes),
    money(phase.cost),
  ]);
  const last = [
    'all',
    '',
    '',
    '',
    hours(total.gpuHours),
    hours(total.wallHours),
    '',
    bytesCell(total.checkpointBytes),
    money(total.cost),
  ];
  const parts = (['weights', 'gradients', 'optimizer', 'activations', 'logits'] as const)
    .map((part) => `${part} ${showMemory(memory[part].value)}`)
    .join(', ');
  const { dp, tp, pp, microBatch, accumulation } = layout;
  return `${lines([
    `training ${training.model} (${formatAmount(training.parameters.value)} parameters) on ${training.gpus.value} GPUs: ${formatAmount(training.tokensPerSecond.value)} tokens/s, ${formatAmount(training.tokensPerSecondPerGpu.value)} tokens/s/GPU, MFU ${(training.mfu.value * 100).toFixed(1)} %`,
  ])}${table([head, ...rows, last])}${lines([
    `${training.proposed ? 'proposed' : 'given'}: dp ${dp} x tp ${tp} x pp ${pp}, micro-batch ${microBatch}, ${accumulation} accumulated`,
    `a GPU holds ${showMemory(memory.total.value)} of ${showMemory(usableMemory.value)} that can be used${training.fits ? '' : ': DOES NOT FIT'} (${parts})`,
  ])}`;
}

function rlOf({ rl, currency }: ClusterPlan): string {
  const { rollouts, sampled, trained, flops, gpuHours, wallHours, cost } = rl!;
  const time =
    gpuHours === undefined
      ? 'hours not known (rl.tokensPerSecondPerGpu and rl.mfu are not both stated)'
      : `${hours(gpuHours)} GPU h, ${hours(wallHours!)} h${cost === undefined ? '' : `, ${money(cost)} ${currency}`}`;
  return lines([
    `rl: ${formatAmount(rollouts.value)} rollouts, ${formatAmount(sampled.value)} tokens sampled, ${formatAmount(trained.value)} trained on, ${flops.value.toExponential(2).replace('e+', 'e')} FLOP; ${time}`,
  ]);
}

function notesOf({ problems, warnings, assumptions }: ClusterPlan): string {
  const known = assumptions.filter(
    ({ evidence }) => evidence === 'unknown' || evidence === 'recalled',
  ).length;
  return lines([
    ...problems.map((text) => `problem: ${text}`),
    ...warnings.map((text) => `warning: ${text}`),
    `${assumptions.length} assumptions, ${known} of them unknown or recalled; --explain lists them and every formula`,
  ]);
}

function bytesCell({ value }: Figure): string {
  return value === 0 ? '' : showBytes(value);
}

/** Three digits, no exponent. */
function hours({ value }: Figure): string {
  if (value === 0) return '0';
  if (value >= 100) return String(Math.round(value));
  return value < 0.01 ? '< 0.01' : String(Number(value.toPrecision(3)));
}

function money(figure: Figure | undefined): string {
  if (figure === undefined) return '';
  return figure.value >= 10 ? String(Math.round(figure.value)) : figure.value.toFixed(2);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** First column to the left, the others to the right, but for `left`. */
function table(rows: readonly (readonly string[])[], left = -1): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 || i === left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
