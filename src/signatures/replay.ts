/**
 * The rules over a whole recorded run: what fired and when, how near every other rule came to its threshold, and which had nothing to look at. The
 * report and `midtrain diagnose` show this; a run that is going has the same detector (trainer/signatures).
 */
import { SignatureDetector, type SignatureFinding } from './detector.ts';
import type { Observation } from './observation.ts';
import { type SignatureName, signatureNames } from './rule.ts';
import { defaultSignatures, type SignaturesConfig, signatureRules } from './rules.ts';

export interface SignatureCheck {
  signature: SignatureName;
  title: string;
  state: 'fired' | 'clear' | 'not-checked' | 'off';
  /** Step at which it first fired. */
  step?: number;
  threshold: number;
  /** The value nearest to (or farthest beyond) the threshold, and where. */
  worst?: number;
  worstStep?: number;
  /** A full sentence. */
  words: string;
}

export interface Replay {
  findings: SignatureFinding[];
  /** One of each signature, in the order of signatureNames. */
  checks: SignatureCheck[];
}

/** `observations` in order of step. */
export function replaySignatures(
  observations: Iterable<Observation>,
  config: SignaturesConfig = defaultSignatures,
): Replay {
  const detector = new SignatureDetector(config);
  const findings: SignatureFinding[] = [];
  const worst = new Map<SignatureName, { value: number; step: number }>();
  for (const seen of observations) {
    const out = detector.observe(seen);
    findings.push(...out.findings);
    for (const name of signatureNames) {
      const value = out.values[name];
      if (value === undefined) continue;
      const before = worst.get(name);
      const worse = signatureRules.get(name)!.bad === 'above' ? (a: number, b: number) => a > b : lessThan;
      if (before === undefined || worse(value, before.value)) worst.set(name, { value, step: seen.step });
    }
  }
  const checks = signatureNames.map((name) => checkOf(name, config, findings, worst.get(name)));
  return { findings, checks };
}

const lessThan = (a: number, b: number): boolean => a < b;

function checkOf(
  name: SignatureName,
  config: SignaturesConfig,
  findings: readonly SignatureFinding[],
  worst: { value: number; step: number } | undefined,
): SignatureCheck {
  const rule = signatureRules.get(name)!;
  const { threshold, enabled } = config[name];
  const base = { signature: name, title: rule.title, threshold };
  if (!enabled) return { ...base, state: 'off', words: `${rule.title} is switched off.` };
  if (worst === undefined) {
    const words = `${rule.title} was not checked: the run logged nothing that it could be read from.`;
    return { ...base, state: 'not-checked', words };
  }
  const measured = { worst: worst.value, worstStep: worst.step };
  const first = findings.find((finding) => finding.signature === name);
  if (first !== undefined) {
    const words = `${rule.title} at step ${first.step}: ${first.text[0]!.toLowerCase()}${first.text.slice(1)}`;
    return { ...base, ...measured, state: 'fired', step: first.step, words };
  }
  const most = `${rule.bad === 'above' ? 'at most' : 'at least'} ${rule.show(worst.value)}`;
  const words = `No ${rule.title.toLowerCase()}: ${most} (step ${worst.step}), the threshold is ${rule.show(threshold)}.`;
  return { ...base, ...measured, state: 'clear', words };
}
