/** The `normalizer` of a tokenizer.json as one function: Unicode normalisation forms and sequences of them; others are not read here. */
import type { Component } from './tokenizer-json.ts';

export type Normalize = (text: string) => string;

export function compileNormalizer(component: Component | null): Normalize | undefined {
  if (component === null) return (text) => text;
  if (['NFC', 'NFD', 'NFKC', 'NFKD'].includes(component.type))
    return (text) => text.normalize(component.type);
  if (component.type === 'Sequence') {
    const parts = (component.normalizers as Component[] | undefined)?.map(compileNormalizer);
    if (parts === undefined || parts.some((p) => p === undefined)) return undefined;
    return (text) => (parts as Normalize[]).reduce((t, part) => part(t), text);
  }
  return undefined;
}
