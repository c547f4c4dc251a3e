/**
 * Tokenises one unit of a source: every text followed by the end-of-text token, training and held-out documents told apart, counted, and
 * written to a file (unit-tokens-file.ts). Pages are untrusted: a special token spelled out in a text stays text
 * (tokenizer.ts, `special: false`).
 */
import { InterruptedError, invariant } from '../core/errors.ts';
import { count, emptyLedger } from '../core/ledger.ts';
import { hash32 } from '../core/random.ts';
import { encodeChat } from '../tokens/chat-template.ts';
import type { Tokenizer } from '../tokens/tokenizer.ts';
import { heldoutDraw } from './document-order.ts';
import type { TokeniseTools } from './tokenise-tools.ts';
import type { UnitProgress } from './unit-progress.ts';
import type { UnitSummary } from './unit-summary.ts';
import {
  type SourceText,
  type SourceUnit,
  type TextSource,
  textsOfUnit,
  type UnitTally,
} from './unit-texts.ts';
import { UnitTokensWriter } from './unit-tokens-file.ts';

export interface Heldout {
  /** Share of the documents kept out of training. */
  share: number;
  seed: number;
}

/** Plain data, so that a worker can be handed it. */
export interface TokeniseTask {
  source: TextSource;
  unit: SourceUnit;
  heldout: Heldout;
  /** Where the tokens go. */
  path: string;
  /** Keeps the index and drops the tokens, for a plan. */
  indexOnly?: boolean;
}

/** Characters after which the thread lets others have their turn. */
const turnCharacters = 1 << 20;

/** `skip`: documents, by their number in the unit, that killed an earlier attempt, and how; they are counted as failed. */
export async function tokeniseUnit(
  { source, unit, heldout, path, indexOnly = false }: TokeniseTask,
  tools: TokeniseTools,
  progress: UnitProgress,
  skip: Readonly<Record<number, string>> = {},
): Promise<UnitSummary> {
  const { tokenizer } = tools;
  const chat = source.template === 'chat' ? tools.chat() : undefined;
  const tally: UnitTally = { ledger: emptyLedger(), failures: [], columns: [] };
  const summary = {
    documents: 0,
    tokens: 0,
    heldout: { documents: 0, tokens: 0 },
    lowest: undefined as UnitSummary['lowest'],
  };
  const writer = await UnitTokensWriter.create(path, tokenizer.vocabSize, indexOnly);
  const turn = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (progress.stopRequested) throw new InterruptedError();
  };
  const endId = tokenizer.eosId;
  invariant(endId !== undefined, 'the tokenizer has an end-of-text token');
  let ordinal = 0;
  let characters = 0;
  const take = (document: SourceText): Promise<void> | undefined => {
    const problem = skip[ordinal];
    progress.begin(ordinal++);
    if (problem !== undefined) {
      count(tally.ledger.failed, 'crashed');
      tally.failures.push({ file: unit.id, place: document.id, problem });
      return undefined;
    }
    const tokens = encode(document, tokenizer, endId);
    tally.ledger.kept++;
    progress.addTokens(tokens.length);
    characters += document.text.length;
    const draw = heldout.share === 0 ? 1 : heldoutDraw(hash32(document.id), heldout.seed);
    const kept = draw >= heldout.share;
    if (kept) {
      if (summary.lowest === undefined || draw < summary.lowest.draw)
        summary.lowest = { number: summary.documents, draw, tokens: tokens.length };
      summary.documents++;
      summary.tokens += tokens.length;
    } else {
      summary.heldout.documents++;
      summary.heldout.tokens += tokens.length;
    }
    return writer.add(document.id, document.url, tokens, !kept);
  };
  try {
    const share = (part: number): void => progress.reportShare(part);
    for await (const batch of textsOfUnit(source, unit, tally, { chat, progress: share })) {
      for (const document of batch) {
        const written = take(document);
        if (written !== undefined) await written;
        if (characters < turnCharacters) continue;
        characters = 0;
        progress.beat();
        await turn();
      }
      await turn();
    }
    progress.beat();
    const { ledger, failures, columns } = tally;
    const whole = { ...summary, ledger, failures, columns: ledger.kept === 0 ? columns : [] };
    await writer.finish(whole);
    return whole;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function encode({ text, parts }: SourceText, tokenizer: Tokenizer, endId: number): Uint32Array {
  const ids = parts === undefined ? tokenizer.encode(text, { special: false }) : encodeChat(tokenizer, parts);
  const tokens = new Uint32Array(ids.length + 1);
  tokens.set(ids);
  tokens[ids.length] = endId;
  return tokens;
}
