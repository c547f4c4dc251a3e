/**
 * All rules over one run, step by step. A finding is made when a rule begins to hold; while it goes on holding it is not made again, and only after
 * three steps in which it was measured and did not hold can it fire anew. The memory is a few numbers a rule, plain JSON, and part of a checkpoint:
 * a detector that is given it goes on as if it had never stopped.
 */
import type { Observation } from './observation.ts';
import type { Measured, SignatureName } from './rule.ts';
import {
  defaultSignatures,
  ruleInWords,
  type SignatureAction,
  type SignaturesConfig,
  signatureRules,
} from './rules.ts';

export interface SignatureFinding {
  signature: SignatureName;
  step: number;
  value: number;
  rule: string;
  action: SignatureAction;
  text: string;
  /** Last step that still looked well, where the rule knows it. */
  lastGood?: number;
}

export interface Detected {
  /** The value of each rule that had its numbers at this step. */
  values: Partial<Record<SignatureName, number>>;
  findings: SignatureFinding[];
}

interface RuleState {
  memory: unknown;
  firing: boolean;
  /** Measured steps since it last held, while firing. */
  calm: number;
}

/** Measured steps without holding after which a rule can fire again. */
const calmSteps = 3;

export class SignatureDetector {
  private readonly config: SignaturesConfig;
  private rules: Partial<Record<SignatureName, RuleState>> = {};

  constructor(config: SignaturesConfig = defaultSignatures) {
    this.config = config;
    for (const [name, rule] of signatureRules)
      if (config[name].enabled) this.rules[name] = { memory: rule.start(), firing: false, calm: 0 };
  }

  observe(seen: Observation): Detected {
    const out: Detected = { values: {}, findings: [] };
    for (const [name, rule] of signatureRules) {
      const state = this.rules[name];
      if (state === undefined) continue;
      const measured = rule.observe(state.memory, seen, this.config[name]);
      if (measured === undefined) continue;
      out.values[name] = measured.value;
      if (begins(state, measured.holds)) out.findings.push(this.finding(name, seen.step, measured));
    }
    return out;
  }

  /** Plain JSON, also of its own: later steps do not change it. */
  state(): unknown {
    return structuredClone(this.rules);
  }

  /** Goes on from a `state`. Rules that it does not know (a config that switched one on) begin anew. */
  restore(state: unknown): void {
    const known = structuredClone(state) as Partial<Record<SignatureName, RuleState>> | null;
    for (const name of signatureRules.keys())
      if (this.rules[name] !== undefined && known?.[name] !== undefined) this.rules[name] = known[name];
  }

  private finding(name: SignatureName, step: number, { value, text, lastGood }: Measured): SignatureFinding {
    return {
      signature: name,
      step,
      value,
      rule: ruleInWords(name, this.config),
      action: this.config[name].action,
      text: `${text[0]!.toUpperCase()}${text.slice(1)}`,
      ...(lastGood === undefined ? {} : { lastGood }),
    };
  }
}

/** Takes the verdict of a measured step in; whether this is where the rule begins to hold. */
function begins(state: RuleState, holds: boolean): boolean {
  if (holds) {
    const first = !state.firing;
    Object.assign(state, { firing: true, calm: 0 });
    return first;
  }
  if (state.firing && ++state.calm >= calmSteps) Object.assign(state, { firing: false, calm: 0 });
  return false;
}
