/** Every signature that a run is watched for, in the order of signatureNames, and the `signatures:` block of a GRPO config. */
import { z } from 'zod';
import { accuracyCollapse } from './accuracy-collapse.ts';
import { entropyCollapse, entropyExplosion } from './entropy-rules.ts';
import { lengthSaturation } from './length-saturation.ts';
import { lengthSlope } from './length-slope.ts';
import type { SignatureName, SignatureRule } from './rule.ts';
import { lengthExplosion, prematureAnswer, repetitionLoop, zeroVarianceGroups } from './share-rules.ts';

const actions = ['warn', 'stop', 'rollback'] as const;
export type SignatureAction = (typeof actions)[number];

/** Whether a rule is looked at, and what a run does when it fires; `rollback` takes the next change of the config's `rollback:` list. */
const onAndAction = { enabled: z.boolean().default(true), action: z.enum(actions).default('warn') };

export const signaturesSchema = z.strictObject({
  repetition_loop: repetitionLoop.schema.extend(onAndAction).prefault({}),
  premature_answer: prematureAnswer.schema.extend(onAndAction).prefault({}),
  length_explosion: lengthExplosion.schema.extend(onAndAction).prefault({}),
  length_slope: lengthSlope.schema.extend(onAndAction).prefault({}),
  length_saturation: lengthSaturation.schema.extend(onAndAction).prefault({}),
  accuracy_collapse: accuracyCollapse.schema.extend(onAndAction).prefault({}),
  entropy_collapse: entropyCollapse.schema.extend(onAndAction).prefault({}),
  entropy_explosion: entropyExplosion.schema.extend(onAndAction).prefault({}),
  zero_variance_groups: zeroVarianceGroups.schema.extend(onAndAction).prefault({}),
});

export type SignaturesConfig = z.output<typeof signaturesSchema>;

export const defaultSignatures: SignaturesConfig = signaturesSchema.parse({});

const all: readonly SignatureRule[] = [
  repetitionLoop,
  prematureAnswer,
  lengthExplosion,
  lengthSlope,
  lengthSaturation,
  accuracyCollapse,
  entropyCollapse,
  entropyExplosion,
  zeroVarianceGroups,
];

/** A rule is given the thresholds under its own name and the memory that it made, so their types need not be told here. */
export const signatureRules: ReadonlyMap<SignatureName, SignatureRule> = new Map(
  all.map((rule) => [rule.name, rule]),
);

/** A rule in words, with its thresholds. */
export function ruleInWords(name: SignatureName, config: SignaturesConfig = defaultSignatures): string {
  return signatureRules.get(name)!.words(config[name]);
}
