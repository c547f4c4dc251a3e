/** What the licences of a mixture's sources forbid or ask. */
import { licensedSource } from '../src/core/card.ts';
import { licenceWarnings, type Use } from '../src/core/licences.ts';
import type { ResolvedSource } from './sources.ts';

/**
 * A sentence for each licence that forbids or burdens `use`. Files without a card have no licence to go by, which is said where the
 * recipe or a flag names a use; what is generated here needs none.
 */
export function licencesOf(sources: readonly ResolvedSource[], use?: Use): string[] {
  const licensed = sources.flatMap(({ name, card, license }) => {
    if (license === undefined) return [];
    return [{ ...(card === undefined ? { name } : licensedSource(card, name)), license }];
  });
  const warnings = licenceWarnings(licensed, use);
  const bare = sources.filter(({ license, data }) => license === undefined && data.kind !== 'generated');
  if (use !== undefined && bare.length > 0)
    warnings.push(
      `neither a data card nor the recipe (license:) says the licence of ${bare.map(({ name }) => name).join(', ')}, so nobody can tell whether ${use === 'redistribute' ? 'passing it on' : `${use} use`} is allowed`,
    );
  return warnings;
}
