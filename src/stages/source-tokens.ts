/**
 * The tokenised documents of one source: counted, and read in any order, any number of times, without being held in memory. What
 * tokenising makes (tokenise-source.ts) and writing a mixture reads.
 */

export interface TokenisedDocument {
  id: string;
  /** Empty where it is not known. */
  url: string;
  /** Token ids, the end token last. */
  tokens: Uint32Array;
}

export interface SourceTokens {
  /** Changes with all that decides the tokens: tokenizer, content of the inputs, columns, template, which units were read. */
  key: string;
  /** Training documents of one pass, and their tokens. */
  documents: number;
  tokens: number;
  /** Documents kept out of training. */
  heldout: { documents: number; tokens: number };
  /** Numbers of the training documents in the order of one pass, from place `from` (default 0) on; every pass has an order of its own. */
  order(seed: number, pass: number, from?: number): Iterable<number>;
  /** Numbers of the held-out documents, in an order that no seed of a mixture changes. */
  heldoutOrder(): Iterable<number>;
  /** Tokens of a document, the end token included. */
  length(number: number): number;
  read(number: number): TokenisedDocument;
  close(): void;
}
