/** What the licences of a mixture's sources forbid or ask. */
import { licensedSource } from '../src/core/card.ts';
import { licenceWarnings, type Use } from '../src/core/licences.ts';
import type { ResolvedSource } from './sources.ts';

/** A sentence for each licence that forbids or burdens `use`; sources without a card have none to go by. */
export function licencesOf(sources: readonly ResolvedSource[], use?: Use): string[] {
  const licensed = sources.flatMap(({ name, card }) =>
    card === undefined ? [] : [licensedSource(card, name)],
  );
  return licenceWarnings(licensed, use);
}
