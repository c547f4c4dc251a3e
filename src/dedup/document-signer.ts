/**
 * What the kinds of dedup have in common: a signer makes from a document a few keys, and two documents with an equal key are
 * duplicates. Exact and URL dedup have one key, MinHash one for each band. A key is 64 bits and a check of 32 more
 * (document-signature.ts makes signers and says how rarely unequal documents agree).
 */

/** Words of a key: its high and its low 32 bits, and the check. */
export const keyWords = 3;

export interface DocumentSigner {
  /** Keys a document. */
  readonly bands: number;
  /** What the keys mean. It is stored in signature files, and files with different tags are not compared. */
  readonly tag: string;
  /**
   * Three words a band: key high, key low, check; the same array for every call. `undefined`: the document takes no part and so is
   * nobody's duplicate.
   */
  sign(input: string): Uint32Array | undefined;
}
