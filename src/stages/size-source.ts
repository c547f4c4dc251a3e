/**
 * How many training tokens one source has, from a look at parts of it.
 *
 * Pieces of the source (sample-pieces.ts) are drawn by hash, their texts tokenised until the sample is large enough or the time is up, and
 * tokens per byte of the pieces seen are multiplied by the bytes of the source: the ratio estimator of cluster sampling (Cochran,
 * Sampling Techniques, 3rd ed. 1977, chapter 6 and section 9A.1), whose spread between pieces gives the error. A source that was read to its
 * end is counted. Long texts are cut: their beginning stands for them.
 *
 * Gives up: the error knows nothing of what differs only in files that were not chosen, or behind the beginning of a compressed
 * file; held-out documents are taken off by their share, except in counted sources.
 */
import type { SourceSize } from '../../mixtures/plan.ts';
import type { ResolvedSource } from '../../mixtures/sources.ts';
import { tokenCountOf } from '../core/card.ts';
import { InterruptedError } from '../core/errors.ts';
import { emptyLedger } from '../core/ledger.ts';
import { hash32 } from '../core/random.ts';
import { encodeChat } from '../tokens/chat-template.ts';
import { heldoutDraw } from './document-order.ts';
import { openPieces, type Piece, type SourcePieces, type Stratum } from './sample-pieces.ts';
import type { TokeniseTools } from './tokenise-tools.ts';
import type { Heldout } from './tokenise-unit.ts';
import type { SourceText, UnitTally } from './unit-texts.ts';

/** How a size came about, for people. */
export interface SizeDetail {
  /**
   * `tokens`: of this tokenizer; `trained-on-sample`: of one that was trained on the samples, since the recipe's will be trained on the
   * data; `bytes`: by a usual number of bytes a token, since the recipe's tokenizer is not here; `card`: what the data card says.
   */
  by: 'tokens' | 'trained-on-sample' | 'bytes' | 'card';
  /** Half the width of a 95 % interval as a share of the size; `undefined` where the sample does not tell. 0: counted. */
  relativeError: number | undefined;
  sampledDocuments: number;
  /** Bytes of the source, and of what was looked at, as stored; of a generator records. */
  bytes: number;
  sampledBytes: number;
  /** Records that gave no text, by reason. */
  failed: Record<string, number>;
  /** Why there is no better number. */
  problem?: string;
}

/** How a size came about that only the data card says. */
export function cardDetail(problem?: string): SizeDetail {
  return {
    by: 'card',
    relativeError: undefined,
    sampledDocuments: 0,
    bytes: 0,
    sampledBytes: 0,
    failed: {},
    ...(problem === undefined ? {} : { problem }),
  };
}

/** A piece while it is read. */
interface PieceInHand {
  piece: Piece;
  texts: AsyncGenerator<SourceText>;
  /** Characters of its texts; training documents, and their characters. */
  characters: number;
  documents: number;
  trained: number;
  /** Of the documents that were tokenised, each standing for those that were not: tokens, characters; and the text of them. */
  tokens: number;
  weighed: number;
  tokenised: number;
  /** One document of so many is tokenised. */
  every: number;
}

/** Counts a text's tokens, its end token included; by bytes where there is no tokenizer. */
export type CountTokens = (text: SourceText) => number;

export interface SampleLimits {
  /** Bytes of text to tokenise. */
  textBytes: number;
  /** performance.now() at which to stop. */
  until: number;
}

/** Longer texts are tokenised up to here, and their rest by the same ratio. */
const mostCharacters = 400_000;
/** Of one piece no more than this much text is taken where there are many. */
const mostOfPiece = 256 * 1024;
/** So much text of a piece is tokenised; of the next as much every second document, then every fourth. */
const thinText = 256 * 1024;
/** Text a stored byte may hold, compressed as it may be. */
const textOfByte = 4;
/** Whatever the limits say, so that no source is left without a number. */
const leastDocuments = 8;

interface Observed {
  file: string;
  bytes: number;
  tokens: number;
  documents: number;
}

/** A stratum while it is sampled. */
interface Sampling {
  stratum: Stratum;
  observed: Observed[];
  /** A piece that was left in the middle, to be gone on with. */
  inHand: PieceInHand | undefined;
  /** Bytes seen. */
  bytes: number;
  ended: boolean;
  /** Nothing was left out. */
  exact: boolean;
}

export class SourceSizer {
  private readonly source: ResolvedSource;
  private readonly tools: TokeniseTools | undefined;
  private readonly countTokens: CountTokens;
  private readonly heldout: Heldout;
  private readonly by: SizeDetail['by'];
  private readonly sampleBytes: number;
  private pieces: SourcePieces | undefined;
  private samplings: Sampling[] = [];
  private readonly tally: UnitTally = { ledger: emptyLedger(), failures: [], columns: [] };
  private textBytes = 0;
  private documents = 0;

  constructor(
    source: ResolvedSource,
    options: {
      tools: TokeniseTools | undefined;
      countTokens: CountTokens;
      by: SizeDetail['by'];
      heldout: Heldout;
      /** Text that will be looked at in the end; a source of less is counted. */
      sampleBytes: number;
    },
  ) {
    this.source = source;
    this.tools = options.tools;
    this.countTokens = options.countTokens;
    this.heldout = options.heldout;
    this.by = options.by;
    this.sampleBytes = options.sampleBytes;
  }

  /** Looks at more of the source until it has seen `textBytes` in all, or time is up. True if more could be seen. */
  async look({ textBytes, until }: SampleLimits, stopped: () => boolean = () => false): Promise<boolean> {
    if (this.pieces === undefined) {
      this.pieces = await openPieces(this.source);
      this.samplings = this.pieces.strata.map((stratum) => ({
        stratum,
        observed: [],
        inHand: undefined,
        bytes: 0,
        ended: false,
        exact: stratum.whole,
      }));
    }
    for (;;) {
      if (stopped()) throw new InterruptedError();
      for (const own of this.samplings) own.ended ||= own.exact && own.bytes >= own.stratum.bytes;
      // The stratum that is furthest behind, so that each is seen in proportion to its bytes.
      const open = this.samplings.filter(({ ended }) => !ended);
      if (open.length === 0) return false;
      const enough = this.textBytes >= textBytes || performance.now() >= until;
      if (
        enough &&
        this.documents >= leastDocuments &&
        this.samplings.every((s) => s.observed.length > 0 || s.inHand !== undefined)
      )
        return true;
      const next = open.reduce((a, b) => (a.bytes / a.stratum.bytes <= b.bytes / b.stratum.bytes ? a : b));
      if (next.inHand === undefined) {
        const piece = next.stratum.pieces.next();
        if (piece.done) {
          next.ended = true;
          continue;
        }
        const chat = this.source.template === 'chat' ? this.tools?.chat() : undefined;
        next.inHand = take(piece.value, piece.value.texts(this.tally, chat));
      }
      // A source that is small enough to be counted must not lose the ends of pieces.
      const small = next.stratum.whole && next.stratum.bytes * textOfByte < this.sampleBytes;
      const most = Math.max(mostOfPiece, (2 * this.sampleBytes) / next.stratum.count);
      await this.read(next, next.inHand, small ? undefined : { text: most, textBytes, until }, stopped);
    }
  }

  /** Goes on with a piece to its end or to a limit. */
  private async read(
    sampling: Sampling,
    inHand: PieceInHand,
    limits: { text: number; textBytes: number; until: number } | undefined,
    stopped: () => boolean,
  ): Promise<void> {
    const { share, seed } = this.heldout;
    const before = this.textBytes;
    for (;;) {
      const next = await inHand.texts.next();
      if (next.done) break;
      const text = next.value;
      const { length } = text.text;
      this.documents++;
      inHand.characters += length;
      if (share === 0 || heldoutDraw(hash32(text.id), seed) >= share) {
        inHand.documents++;
        inHand.trained += length;
        if (limits === undefined || inHand.documents % inHand.every === 0) {
          inHand.tokens += this.countTokens(text) * inHand.every;
          inHand.weighed += length * inHand.every;
          inHand.tokenised += length;
          this.textBytes += length;
          if (inHand.tokenised >= thinText * (1 + Math.log2(inHand.every))) inHand.every *= 2;
        }
      }
      if (stopped()) return;
      if (limits === undefined || this.documents < leastDocuments) continue;
      if (inHand.tokenised >= limits.text) {
        await inHand.texts.return(undefined);
        break;
      }
      // To be gone on with at the next look.
      if (performance.now() >= limits.until || this.textBytes >= limits.textBytes) {
        if (this.textBytes > before) return;
      }
    }
    this.observe(sampling, inHand);
    sampling.inHand = undefined;
  }

  /** What a piece that is done with says. */
  private observe(sampling: Sampling, inHand: PieceInHand): void {
    const observed = observedOf(inHand);
    if (observed === undefined) return;
    if (inHand.piece.share() < 1 || inHand.every > 1) sampling.exact = false;
    sampling.bytes += observed.bytes;
    sampling.observed.push(observed);
  }

  /** The size by what has been seen; `undefined` before the first look, or where nothing could be read. */
  size(): { size: SourceSize; detail: SizeDetail } | undefined {
    if (this.pieces === undefined) return undefined;
    let [tokens, documents, variance] = [0, 0, 0];
    let known = true;
    for (const { stratum, observed: done, exact, ended, inHand } of this.samplings) {
      const partial = inHand === undefined ? undefined : observedOf(inHand);
      const observed = partial === undefined ? done : [...done, partial];
      const seen = sum(observed);
      if (exact && ended) {
        tokens += seen.tokens;
        documents += seen.documents;
        continue;
      }
      if (seen.bytes === 0) return undefined;
      const ratio = seen.tokens / seen.bytes;
      tokens += ratio * stratum.bytes;
      documents += (seen.documents / seen.bytes) * stratum.bytes;
      const between = varianceOf(observed, ratio, stratum.bytes, 1);
      // Documents of a file are alike, so where files were chosen the spread between files counts too.
      const chosen = stratum.chosenFiles / stratum.files;
      const files = chosen < 1 ? varianceOf(byFile(observed), ratio, stratum.bytes, 1 - chosen) : 0;
      if (between === undefined || files === undefined) known = false;
      else variance += between + files;
    }
    const counted = this.samplings.every(({ exact, ended }) => exact && ended) && this.by === 'tokens';
    const relativeError = counted
      ? 0
      : known && tokens > 0
        ? (1.96 * Math.sqrt(variance)) / tokens
        : undefined;
    const size: SourceSize = {
      ...describeSource(this.source),
      tokens: Math.round(tokens),
      documents: Math.round(documents),
      from: counted ? 'counted' : 'sampled',
    };
    const bytes = this.samplings.reduce((n, { stratum }) => n + stratum.bytes, 0);
    const sampledBytes = this.samplings.reduce(
      (n, s) => n + s.bytes + (s.inHand === undefined ? 0 : (observedOf(s.inHand)?.bytes ?? 0)),
      0,
    );
    const failed = { ...this.tally.ledger.failed, ...this.tally.ledger.dropped };
    const nothing = this.documents === 0 && this.tally.ledger.in > 0;
    const failure = this.tally.failures[0] ?? this.pieces.failures[0];
    const problem = nothing
      ? `none of ${this.tally.ledger.in} records gives a text for template ${this.source.template}; its columns are ${this.tally.columns.join(', ')}`
      : failure === undefined
        ? undefined
        : `${failure.file}: ${failure.problem}`;
    return {
      size,
      detail: {
        by: this.by,
        relativeError,
        sampledDocuments: this.documents,
        bytes,
        sampledBytes,
        failed,
        ...(problem === undefined ? {} : { problem }),
      },
    };
  }
}

/** A counter of a tokenizer's tokens. */
export function tokenCounter({ tokenizer }: TokeniseTools): CountTokens {
  return ({ text, parts }) => {
    if (parts !== undefined) return encodeChat(tokenizer, parts).length + 1;
    if (text.length <= mostCharacters) return tokenizer.encode(text, { special: false }).length + 1;
    const head = tokenizer.encode(text.slice(0, mostCharacters), { special: false }).length;
    return Math.round(head * (text.length / mostCharacters)) + 1;
  };
}

/** What a plan needs of a source beside its size. */
export function describeSource(
  source: ResolvedSource,
): Pick<SourceSize, 'role' | 'template' | 'templateEvidence'> {
  const { role, template, card } = source;
  return {
    role,
    template,
    // A template that the recipe sets itself is the writer's own.
    templateEvidence:
      card !== undefined && card.project.template === template ? card.project.templateEvidence : 'own',
  };
}

/** The size that a source's card states, counted with `tokenizer` where the card has that. */
export function sizeOfCard(source: ResolvedSource, tokenizer?: string): SourceSize {
  const stated = source.card?.project.size;
  return {
    ...describeSource(source),
    tokens: stated === undefined ? undefined : tokenCountOf(stated, tokenizer)?.value,
    documents: stated?.documents?.value,
    from: 'card',
  };
}

function take(piece: Piece, texts: AsyncGenerator<SourceText>): PieceInHand {
  return {
    piece,
    texts,
    characters: 0,
    documents: 0,
    trained: 0,
    tokens: 0,
    weighed: 0,
    tokenised: 0,
    every: 1,
  };
}

/** A piece as far as it was read; `undefined` while it says nothing. */
function observedOf(inHand: PieceInHand): Observed | undefined {
  const { piece, documents, trained, tokens, weighed } = inHand;
  const bytes = piece.bytes * piece.share();
  if (bytes === 0) return undefined;
  // Where not all documents were tokenised, characters carry over what is known of tokens.
  return {
    file: piece.file,
    bytes,
    tokens: weighed === 0 ? 0 : weighed === trained ? tokens : tokens * (trained / weighed),
    documents,
  };
}

/**
 * Variance of the estimated total of a ratio estimator over clusters drawn without replacement from `total` bytes (Cochran 1977, 6.2), of
 * which at most the share `most` is unseen. `undefined` for fewer than two clusters.
 */
function varianceOf(
  observed: readonly Observed[],
  ratio: number,
  total: number,
  most: number,
): number | undefined {
  const n = observed.length;
  if (n < 2) return undefined;
  const bytes = observed.reduce((s, o) => s + o.bytes, 0);
  const spread = observed.reduce((s, o) => s + (o.tokens - ratio * o.bytes) ** 2, 0) / (n - 1);
  const left = Math.min(most, Math.max(0, 1 - bytes / total));
  return (total / (bytes / n)) ** 2 * left * (spread / n);
}

function byFile(observed: readonly Observed[]): Observed[] {
  const files = new Map<string, Observed[]>();
  for (const one of observed) files.set(one.file, [...(files.get(one.file) ?? []), one]);
  return [...files].map(([file, own]) => ({ file, ...sum(own) }));
}

function sum(observed: readonly Observed[]): Omit<Observed, 'file'> {
  const total = { bytes: 0, tokens: 0, documents: 0 };
  for (const { bytes, tokens, documents } of observed) {
    total.bytes += bytes;
    total.tokens += tokens;
    total.documents += documents;
  }
  return total;
}
