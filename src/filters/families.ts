/** The signal families there are, by name, in the order their columns are written. */
import { finewebQuality } from './fineweb-quality.ts';
import { gopherQuality } from './gopher-quality.ts';
import { mathDensity } from './math-density.ts';
import type { SignalFamily, SignalSpec } from './signal.ts';

export const families: readonly SignalFamily[] = [gopherQuality, finewebQuality, mathDensity];

export function familyNamed(name: string): SignalFamily | undefined {
  return families.find((family) => family.name === name);
}

/** The family that measures `signal` (`gopher.word_count`), if there is one. */
export function familyOfSignal(signal: string): SignalFamily | undefined {
  return families.find((family) => family.signals.some((spec) => spec.name === signal));
}

/** What is known about a signal: description and histogram scale. */
export function signalSpec(signal: string): SignalSpec | undefined {
  return familyOfSignal(signal)?.signals.find((spec) => spec.name === signal);
}
