/**
 * What a rule answers about a document: keep it, or drop it with a reason.
 * A reason is a short snake_case name (`gopher_short_doc`, `duplicate_exact`), stable, because ledgers and reports group by it.
 */
export type Verdict = { readonly keep: true } | { readonly keep: false; readonly reason: string };

export const keep: Verdict = { keep: true };

export function drop(reason: string): Verdict {
  return { keep: false, reason };
}
