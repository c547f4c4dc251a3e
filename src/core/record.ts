/**
 * What a run leaves on disk for people and other commands: `run.json` (this file's `RunRecord`) and `metrics.jsonl` (one
 * `MetricRow` a line). Reports, the terminal and data cards read these and nothing else, so any report can be made again later.
 */
import { z } from 'zod';
import { evidenceTags } from './evidence.ts';

export const runRecordVersion = 1;

const inputSchema = z.object({
  path: z.string(),
  bytes: z.number().optional(),
  /** Content fingerprint, where it was computed. */
  fingerprint: z.string().optional(),
});

/** A figure whose source is of uncertain standing, shown beside it wherever it appears. */
const evidencedSchema = z.object({
  name: z.string(),
  value: z.unknown(),
  evidence: z.enum(evidenceTags),
  note: z.string().optional(),
});

/** `run.json`. `summary` is the command's own result (ledger, shares, final loss); each command documents its fields. */
export const runRecordSchema = z.object({
  version: z.literal(runRecordVersion),
  command: z.enum(['filter', 'mix', 'train', 'grpo', 'eval', 'demo', 'tokenizer', 'convert', 'classify']),
  /** Shown in reports; unique within a report. */
  name: z.string(),
  status: z.enum(['running', 'done', 'failed', 'interrupted']),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  seconds: z.number().optional(),
  config: z.unknown(),
  fingerprint: z.string(),
  evidence: z.array(evidencedSchema).default([]),
  inputs: z.array(inputSchema).default([]),
  /** Paths of run folders this one was made from: train -> mix -> filter. */
  parents: z.array(z.string()).default([]),
  versions: z.record(z.string(), z.string()),
  /** What was typed, from `midtrain` on; absent when a script called the function. */
  commandLine: z.array(z.string()).optional(),
  device: z.record(z.string(), z.unknown()).optional(),
  summary: z.record(z.string(), z.unknown()).default({}),
  warnings: z.array(z.string()).default([]),
});

export type RunRecord = z.output<typeof runRecordSchema>;

/** One line of `metrics.jsonl`. Names are TRL's where TRL has one (`loss`, `learning_rate`, `reward`, `completions/mean_length`). */
export type MetricRow = { step: number; phase?: string } & Record<string, number | string | undefined>;
