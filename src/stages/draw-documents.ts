/**
 * Formatted documents of a source to look at, drawn by hash over its pieces and the documents in them: the same for the same seed, from
 * anywhere in the source, without reading it whole.
 */
import { emptyLedger, type Ledger } from '../core/ledger.ts';
import { hash32 } from '../core/random.ts';
import { loadTokenizer } from '../tokens/tokenizer.ts';
import { openPieces } from './sample-pieces.ts';
import type { SampledDocument, SampleRequest } from './sample-request.ts';
import { toolsFor } from './tokenise-tools.ts';
import type { Failure, UnitTally } from './unit-texts.ts';

/** Of one piece that many documents are looked at, and that much text. */
const mostDocuments = 500;
const mostText = 1 << 20;

export async function drawDocuments(
  request: SampleRequest,
): Promise<{ documents: SampledDocument[]; ledger: Ledger; failures: Failure[] }> {
  const { source, count, seed, maxCharacters } = request;
  const until = performance.now() + request.seconds * 1000;
  const tally: UnitTally = { ledger: emptyLedger(), failures: [], columns: [] };
  const chat =
    source.template === 'chat' && request.tokenizer !== undefined
      ? toolsFor(await loadTokenizer(request.tokenizer)).chat()
      : undefined;
  const { strata, failures } = await openPieces(source, { seed });
  const documents: SampledDocument[] = [];
  // One document of a piece, until pieces run out; then those that were next by hash.
  const spare: { hash: number; document: SampledDocument }[] = [];
  let open = strata;
  while (open.length > 0 && documents.length < count && performance.now() < until) {
    const rest: typeof open = [];
    for (const stratum of open) {
      const next = stratum.pieces.next();
      if (next.done) continue;
      rest.push(stratum);
      const drawn: { hash: number; document: SampledDocument }[] = [];
      let [seen, text] = [0, 0];
      for await (const found of next.value.texts(tally, chat)) {
        const hash = hash32(`document:${seed}:${found.id}`);
        text += found.text.length;
        const truncated = found.text.length > maxCharacters;
        const document = {
          id: found.id,
          url: found.url,
          text: truncated ? cutAt(found.text, maxCharacters) : found.text,
          truncated,
        };
        keepLowest(drawn, { hash, document }, count);
        if (++seen >= mostDocuments || text >= mostText || performance.now() >= until) break;
      }
      const [first, ...others] = drawn;
      if (first !== undefined) documents.push(first.document);
      spare.push(...others);
      spare.sort((a, b) => a.hash - b.hash);
      spare.length = Math.min(spare.length, count);
      if (documents.length >= count) break;
    }
    open = rest;
  }
  for (const { document } of spare) if (documents.length < count) documents.push(document);
  return { documents, ledger: tally.ledger, failures: [...failures, ...tally.failures] };
}

/** Keeps the `most` entries of lowest hash, in order. */
function keepLowest<T extends { hash: number }>(list: T[], entry: T, most: number): void {
  let at = list.length;
  while (at > 0 && list[at - 1]!.hash > entry.hash) at--;
  list.splice(at, 0, entry);
  if (list.length > most) list.pop();
}

/** The first `length` code units, without half of a pair. */
function cutAt(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}
