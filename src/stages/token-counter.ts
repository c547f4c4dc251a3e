/** Counts the tokens of a text: exactly under the pipeline's tokenizer, else as UTF-8 bytes / 4, the usual estimate for English web text. */
export const bytesPerToken = 4;

export interface TokenCounter {
  /** `bytes`: UTF-8 bytes of `text`. */
  count(text: string, bytes: number): number;
}

export async function openTokenCounter(tokenizer: string | null): Promise<TokenCounter> {
  if (tokenizer === null) return { count: (_text, bytes) => Math.ceil(bytes / bytesPerToken) };
  const { loadTokenizer } = await import('../tokens/tokenizer.ts');
  const loaded = await loadTokenizer(tokenizer);
  return { count: (text) => loaded.encode(text, { special: false }).length };
}
