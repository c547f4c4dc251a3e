/** Two mixtures side by side: sources matched by name, card and then role, and shares summed by role. Pure. */
import { type Role, roles } from '../../src/core/card.ts';

export interface ComparedSource {
  name: string;
  card: string | undefined;
  role: Role;
  /** Share of all tokens, 0 to 1. */
  share: number;
}

interface ComparedRow {
  left: ComparedSource | undefined;
  right: ComparedSource | undefined;
}

export interface Comparison {
  /** In the order of the left one, then what only the right one has. */
  rows: ComparedRow[];
  roles: { role: Role; left: number; right: number }[];
  /** Tokens in a thousand that would have to be of another source to turn one into the other: half the summed differences. */
  distance: number;
}

/** Sources that are the same data stand in one row; of what is left, sources of the same role share a row only by name or card. */
export function compareMixtures(
  left: readonly ComparedSource[],
  right: readonly ComparedSource[],
): Comparison {
  const free = new Set(right);
  const matchOf = (source: ComparedSource): ComparedSource | undefined => {
    const found =
      [...free].find((other) => other.card !== undefined && other.card === source.card) ??
      [...free].find((other) => other.name === source.name);
    if (found !== undefined) free.delete(found);
    return found;
  };
  const rows: ComparedRow[] = left.map((source) => ({ left: source, right: matchOf(source) }));
  rows.push(...[...free].map((source) => ({ left: undefined, right: source })));
  const byRole = (side: readonly ComparedSource[], role: Role): number =>
    side.filter((s) => s.role === role).reduce((n, s) => n + s.share, 0);
  return {
    rows,
    roles: roles
      .map((role) => ({ role, left: byRole(left, role), right: byRole(right, role) }))
      .filter((sum) => sum.left > 0 || sum.right > 0),
    distance: rows.reduce((n, row) => n + Math.abs((row.left?.share ?? 0) - (row.right?.share ?? 0)), 0) / 2,
  };
}
