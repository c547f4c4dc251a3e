/** What a report says about one mixture: per source the requested and achieved tokens, repeats and evidence. From `run.json` alone. */
import { z } from 'zod';
import { evidenceTags } from '../core/evidence.ts';
import { roleOrder } from './palette.ts';
import type { PreparedRun } from './report-run.ts';
import { readPart } from './summary-parts.ts';

/** The share of question-and-answer data inside which the paper saw its gains. (reference: recipe 2.2) */
export const qaBand = { low: 0.3, high: 0.4 } as const;

const sourceSchema = z.object({
  name: z.string(),
  role: z.string(),
  card: z.string().nullish(),
  /** How a record becomes text, and how well that is known. */
  template: z.string().nullish(),
  templateEvidence: z.enum(evidenceTags).nullish(),
  note: z.string().nullish(),
  weight: z.number().nullish(),
  evidence: z.enum(evidenceTags).nullish(),
  requestedTokens: z.number().nullish(),
  achievedTokens: z.number(),
  documents: z.number().nullish(),
  repeats: z.number().nullish(),
  requestedShare: z.number().nullish(),
  achievedShare: z.number().nullish(),
});

export type MixSource = z.output<typeof sourceSchema> & { achievedShare: number };

export interface MixFacts {
  run: PreparedRun;
  /** In the order of roles, then as in the recipe. */
  sources: MixSource[];
  totalTokens: number;
  sequenceLength: number | undefined;
  sequences: number | undefined;
  seed: number | undefined;
  /** Share of qa and long-cot tokens. */
  qaShare: number | undefined;
  warnings: string[];
  notes: string[];
}

export function mixFacts(run: PreparedRun): MixFacts {
  const { summary } = run.record;
  const notes: string[] = [];
  const read = readPart(z.array(sourceSchema), summary, 'sources', notes) ?? [];
  const number = (name: string): number | undefined => readPart(z.number(), summary, name, notes);
  const achieved = read.reduce((sum, s) => sum + s.achievedTokens, 0);
  const totalTokens = number('totalTokens') ?? achieved;
  const sources = read
    .map((s) => ({
      ...s,
      achievedShare: s.achievedShare ?? (achieved === 0 ? 0 : s.achievedTokens / achieved),
    }))
    .sort((a, b) => roleRank(a.role) - roleRank(b.role));
  const qaShare =
    number('qaShare') ??
    (sources.length === 0
      ? undefined
      : sources.reduce(
          (sum, s) => sum + (s.role === 'qa' || s.role === 'long-cot' ? s.achievedShare : 0),
          0,
        ));
  return {
    run,
    sources,
    totalTokens,
    sequenceLength: number('sequenceLength'),
    sequences: number('sequences'),
    seed: number('seed'),
    qaShare,
    warnings: readPart(z.array(z.string()), summary, 'warnings', notes) ?? [],
    notes,
  };
}

function roleRank(role: string): number {
  const i = (roleOrder as readonly string[]).indexOf(role);
  return i < 0 ? roleOrder.length : i;
}
