/** What a document is counted under when a dedup step drops it. */
export function duplicateReason(step: 'exact' | 'url' | 'minhash'): string {
  return `duplicate_${step}`;
}
