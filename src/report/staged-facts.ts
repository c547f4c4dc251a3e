/** What the card of a corpus says of a pipeline with steps: against which benchmarks it was checked, and which model rewrote its texts. */

interface StagedFacts {
  /** Undefined where no step checks against a benchmark. */
  contamination: string | undefined;
  /** The model of the refine steps; undefined without one. */
  rewrittenBy: string | undefined;
}

interface Step {
  name?: unknown;
  config?: { step?: unknown; decontaminate?: { benchmarks?: unknown } };
}

/** `config`: of the run's record. Undefined for a run of one pass. */
export function stagedFacts(config: unknown): StagedFacts | undefined {
  const { steps, endpoint } = (config ?? {}) as {
    steps?: unknown;
    endpoint?: { model?: unknown; refineModel?: unknown } | null;
  };
  if (!Array.isArray(steps)) return undefined;
  const known = steps as Step[];
  const lastRefine = known.findLastIndex((step) => step.config?.step === 'refine');
  const checks = known.flatMap((step, i) => {
    const { benchmarks } = step.config?.decontaminate ?? {};
    if (!Array.isArray(benchmarks) || benchmarks.length === 0) return [];
    const cards = (benchmarks as { card?: unknown }[]).map(({ card }) => String(card)).join(', ');
    return [`checked against ${cards} in the step ${String(step.name)}${i < lastRefine ? before : ''}`];
  });
  const model = endpoint?.refineModel ?? endpoint?.model;
  return {
    contamination: checks.length === 0 ? undefined : checks.join('; '),
    rewrittenBy: lastRefine < 0 || typeof model !== 'string' ? undefined : model,
  };
}

const before = ', before a language model rewrote the texts: what it wrote was not checked';
