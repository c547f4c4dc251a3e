/** Which signatures of failure fired in which arm: how many seeds, and the step of each. */

import { type SignatureName, signatureNames } from '../signatures/rule.ts';
import { signatureRules } from '../signatures/rules.ts';
import { armName } from './ablation-figures.ts';
import type { AblationView, ArmView } from './ablation-view.ts';
import { signatureNote } from './failure-signatures.ts';
import { table } from './figure.ts';
import { type Content, html, type Markup } from './html.ts';
import { whole } from './number-format.ts';

/** Names that fired anywhere, in the rules' order, those of other versions behind. */
export function firedNames(arms: readonly ArmView[]): string[] {
  const fired = new Set(
    arms.flatMap(({ cells }) => cells.flatMap(({ signatures }) => signatures.map(({ name }) => name))),
  );
  const known = (signatureNames as readonly string[]).filter((name) => fired.has(name));
  return [...known, ...[...fired].filter((name) => !known.includes(name)).sort()];
}

export function signatureTitle(name: string): string {
  return signatureRules.get(name as SignatureName)?.title ?? name;
}

/** `2 of 3 seeds: 1 at 12, 3 at 20`; nothing where it did not fire. */
export function firedInWords({ cells }: ArmView, name: string): { count: number; of: number; steps: string } {
  const done = cells.filter(({ status }) => status === 'done');
  const hits = done.flatMap(({ seed, signatures }) => {
    const first = signatures.find((signature) => signature.name === name);
    return first === undefined ? [] : [`seed ${seed} at ${whole(first.step)}`];
  });
  return { count: hits.length, of: done.length, steps: hits.join(', ') };
}

export function signatureTable(view: AblationView): Markup {
  const names = firedNames(view.arms);
  const heading = html`<h3>Signatures of failure</h3><p class="hint">${signatureNote}</p>`;
  if (names.length === 0) return html`${heading}<p>None fired in any run.</p>`;
  return html`${heading}${table(
    ['Arm', 'Runs', ...names.map(signatureTitle)],
    view.arms.map((arm) => [
      armName(arm),
      whole(arm.cells.filter(({ status }) => status === 'done').length),
      ...names.map((name): Content => {
        const { count, of, steps } = firedInWords(arm, name);
        return count === 0 ? '–' : html`<strong>${count} of ${of}</strong><br><small>${steps}</small>`;
      }),
    ]),
    names.map((_, i) => i + 2),
  )}`;
}
