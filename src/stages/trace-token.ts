/**
 * From a token of a mixture back to its page: the shard and entry of its index that hold it, the row of the provenance, what the
 * manifest says of the source, and the text around it.
 *
 * Shards of other tools (datatrove's) have no provenance: then the answer has what the shard itself says, and `unknown` says why the
 * rest is missing. What contradicts itself (provenance against index) is an error: a wrong answer would be worse than none.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError, messageOf, UserError } from '../core/errors.ts';
import { firstIndex } from '../core/first-index.ts';
import { findProvenance, provenancePath } from '../io/token-provenance.ts';
import { openTokenShard, readShardMetadata, type TokenShard } from '../io/token-shard.ts';
import { loadTokenizer, type Tokenizer } from '../tokens/tokenizer.ts';
import type { MixManifest } from './mix-manifest.ts';

const tokensAround = 48;

export interface TraceRequest {
  /** A shard (.ds), a folder of shards, or the folder of a mixture. */
  path: string;
  /** Token of the shard, or of all shards of the folder one behind the other. */
  position?: number;
  /** Sequence of the shard or folder, and a token in it. Needs the length of sequences: the manifest's, or `sequenceLength`. */
  sequence?: number;
  offset?: number;
  sequenceLength?: number;
  /** Folder or tokenizer.json; default: the mixture's. */
  tokenizer?: string;
}

export interface Trace {
  shard: string;
  /** Token of the shard, and of all its folder's shards. */
  position: number;
  positionInFolder: number;
  /** Where training reads it; `undefined` while the length of sequences is not known or behind the last whole one. */
  sequence: { number: number; offset: number; length: number } | undefined;
  token: { id: number; text: string | undefined };
  /** False where the loss mask leaves this token out as a target. */
  counts: boolean;
  padding: boolean;
  /** Entry of the shard's index, and the tokens `[start, end)` of the shard that it covers. */
  piece: { entry: number; start: number; end: number };
  document:
    | {
        id: string;
        source: string;
        role: string | undefined;
        url: string | undefined;
        /** Number of this token in the document, and of the piece's tokens `[from, to)`. */
        token: number | undefined;
        from: number | undefined;
        to: number | undefined;
        /** The first pass over the source is 1. */
        pass: number | undefined;
      }
    | undefined;
  /** Input files that it may be from; one where that is known. */
  inputs: string[];
  /** Record of the file, from 0, where the id says it. */
  record: number | undefined;
  text: { before: string; token: string; after: string } | undefined;
  /** Why something above is missing. */
  unknown: string[];
}

export async function traceToken(request: TraceRequest): Promise<Trace> {
  const place = await locate(request);
  const shard = await openTokenShard(place.shard);
  try {
    const { position } = place;
    // The first document that ends behind the token covers it.
    const { documentEnds } = shard;
    const entry = firstIndex(documentEnds.length, (i) => documentEnds[i]! > position);
    const start = entry === 0 ? 0 : shard.documentEnds[entry - 1]!;
    const end = shard.documentEnds[entry]!;
    const unknown = [...place.unknown];
    const counts = (await shard.readLoss(position, 1))[0] !== 0;
    const found = await documentOf(place, shard, { start, end }, counts, unknown);
    const tokenizer = await tokenizerFor(request, place, unknown);
    const { from, inputs, record } = origin(place.manifest, found.row);
    return {
      shard: place.shard,
      position,
      positionInFolder: place.before + position,
      sequence: place.sequence,
      ...(await textAround(shard, tokenizer, position, start, end)),
      counts,
      padding: found.padding,
      piece: { entry, start, end },
      document: found.row && {
        id: found.row.id,
        source: found.row.source,
        role: from?.role,
        url: found.row.url ?? undefined,
        token: plus(found.row.offset, position - start),
        from: found.row.offset,
        to: plus(found.row.offset, end - start),
        pass: plus(found.row.pass, 1),
      },
      inputs,
      record,
      unknown,
    };
  } finally {
    await shard.close();
  }
}

interface Place {
  shard: string;
  position: number;
  /** Tokens of the folder's shards before this one. */
  before: number;
  sequence: Trace['sequence'];
  /** The mixture that the shard belongs to. */
  mixture: string | undefined;
  manifest: MixManifest | undefined;
  unknown: string[];
}

async function locate(request: TraceRequest): Promise<Place> {
  const { path } = request;
  if (!existsSync(path))
    throw new UserError(`${path}: there is nothing`, {
      hint: 'give a .ds shard, or the folder of a mixture',
    });
  const folder = statSync(path).isDirectory();
  const shards = folder ? shardsOf(path) : [path];
  if (!folder && !path.endsWith('.ds'))
    throw new UserError(`${path} is not a token shard (.ds)`, {
      hint: 'give a .ds shard, or the folder of a mixture',
    });
  const mixture = mixtureOf(resolve(folder ? path : dirname(path)));
  const unknown: string[] = [];
  const manifest = mixture === undefined ? undefined : readManifest(mixture, unknown);
  // A held-out shard is not read in sequences.
  const trained = basename(dirname(shards[0]!)) !== 'heldout';
  const windowTokens =
    request.sequenceLength === undefined
      ? trained
        ? manifest?.windowTokens
        : undefined
      : request.sequenceLength + 1;
  const sizes = await Promise.all(shards.map(async (shard) => (await readShardMetadata(shard)).tokenCount));
  const wanted = await wantedPosition(request, sizes, windowTokens, folder ? path : basename(path));
  let before = 0;
  let sequences = 0;
  for (const [i, shard] of shards.entries()) {
    const size = sizes[i]!;
    if (wanted < before + size) {
      const position = wanted - before;
      const number = windowTokens === undefined ? -1 : Math.floor(position / windowTokens);
      const whole = windowTokens !== undefined && (number + 1) * windowTokens <= size;
      const sequence = whole
        ? { number: sequences + number, offset: position - number * windowTokens, length: windowTokens }
        : undefined;
      return { shard, position, before, sequence, mixture, manifest, unknown };
    }
    before += size;
    if (windowTokens !== undefined) sequences += Math.floor(size / windowTokens);
  }
  throw new UserError(
    `${path}: there is no token ${wanted}; ${shards.length === 1 ? 'the shard has' : `its ${shards.length} shards have`} ${before}, numbered from 0`,
    { hint: `give a position up to ${before - 1}` },
  );
}

/** The token asked for, counted over all shards. */
async function wantedPosition(
  request: TraceRequest,
  sizes: readonly number[],
  windowTokens: number | undefined,
  what: string,
): Promise<number> {
  const { position, sequence, offset = 0 } = request;
  if (sequence === undefined) return position ?? 0;
  if (windowTokens === undefined)
    throw new UserError(`${what}: how long its sequences are is not known, there is no manifest.json`, {
      hint: 'give --sequence-length, or a token position',
    });
  if (offset >= windowTokens)
    throw new UserError(`--offset ${offset}: a sequence has ${windowTokens} tokens, numbered from 0`);
  let sequences = 0;
  let before = 0;
  for (const size of sizes) {
    const here = Math.floor(size / windowTokens);
    if (sequence < sequences + here) return before + (sequence - sequences) * windowTokens + offset;
    sequences += here;
    before += size;
  }
  throw new UserError(`${what}: there is no sequence ${sequence}; it has ${sequences}, numbered from 0`, {
    hint: `give a sequence up to ${sequences - 1}`,
  });
}

/** Sequences of the shards in a folder, for a step of training. */
export async function countSequences(path: string, sequenceLength: number | undefined): Promise<number> {
  const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const mixture = mixtureOf(resolve(folder ? path : dirname(path)));
  const length = sequenceLength === undefined ? undefined : sequenceLength + 1;
  const windowTokens =
    length ?? (mixture === undefined ? undefined : readManifest(mixture, [])?.windowTokens);
  if (windowTokens === undefined)
    throw new UserError(`${path}: how long its sequences are is not known, there is no manifest.json`, {
      hint: 'give --sequence-length',
    });
  let sequences = 0;
  for (const shard of folder ? shardsOf(path) : [path])
    sequences += Math.floor((await readShardMetadata(shard)).tokenCount / windowTokens);
  return sequences;
}

/** Shards in the order training reads them. */
function shardsOf(folder: string): string[] {
  const inner = existsSync(join(folder, 'shards')) ? join(folder, 'shards') : folder;
  const shards = readdirSync(inner)
    .filter((name) => name.endsWith('.ds'))
    .sort();
  if (shards.length === 0)
    throw new UserError(`${inner} has no .ds shards`, {
      hint: 'give a shard, or the folder that `midtrain mix` wrote',
    });
  return shards.map((name) => join(inner, name));
}

/** The folder of the mixture that a folder of shards lies in: itself, or up to two above. */
function mixtureOf(folder: string): string | undefined {
  return [folder, dirname(folder), dirname(dirname(folder))].find(
    (path) => existsSync(join(path, 'shards')) && existsSync(join(path, 'tokenizer')),
  );
}

function readManifest(mixture: string, unknown: string[]): MixManifest | undefined {
  const path = join(mixture, 'manifest.json');
  if (!existsSync(path)) {
    unknown.push(`${mixture} has no manifest.json: the mixture is not finished`);
    return undefined;
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as MixManifest;
  } catch (error) {
    throw new InputError(path, `is not a manifest: ${messageOf(error)}`, { hint: 'mix again' });
  }
}

async function documentOf(
  place: Place,
  shard: TokenShard,
  { start, end }: { start: number; end: number },
  counts: boolean,
  unknown: string[],
) {
  const path = provenancePath(place.shard);
  if (!existsSync(path)) {
    unknown.push(
      `there is no ${basename(path)} beside the shard, so which document this is, its source and its url are not known`,
    );
    return { row: undefined, padding: false };
  }
  const row = await findProvenance(path, place.position);
  if (row === undefined && shard.hasLoss && !counts) return { row, padding: true };
  if (row?.start !== start || row.end !== end) {
    const says = row === undefined ? 'has no row' : `has tokens ${row.start} to ${row.end}`;
    throw new InputError(
      path,
      `${says} where the shard's index has tokens ${start} to ${end}: one of the two is damaged or of another mixture`,
      { hint: 'compare the checksums in manifest.json (sha256sum), or mix again' },
    );
  }
  return { row, padding: false };
}

function origin(manifest: MixManifest | undefined, row: { id: string; source: string } | undefined) {
  const from = row && manifest?.sources?.find((source) => source.name === row.source);
  const names = from?.inputs?.map((input) => input.name) ?? [];
  // Without an id column ids are `<file>#<record>`.
  const [, file, record] = /^(.*)#(\d+)$/.exec(row?.id ?? '') ?? [];
  const known = names.filter((name) => name === file || name === basename(file ?? ''));
  return {
    from,
    inputs: known.length === 1 ? known : names,
    record: known.length === 1 ? Number(record) : undefined,
  };
}

async function tokenizerFor(
  request: TraceRequest,
  place: Place,
  unknown: string[],
): Promise<Tokenizer | undefined> {
  if (request.tokenizer !== undefined) return loadTokenizer(request.tokenizer);
  if (place.mixture !== undefined) return loadTokenizer(join(place.mixture, 'tokenizer'));
  const { tokenizerName } = await readShardMetadata(place.shard);
  unknown.push(`the tokenizer (${tokenizerName}) is not here, so there is no text; name it with --tokenizer`);
  return undefined;
}

async function textAround(
  shard: TokenShard,
  tokenizer: Tokenizer | undefined,
  position: number,
  start: number,
  end: number,
): Promise<Pick<Trace, 'token' | 'text'>> {
  const first = Math.max(start, position - tokensAround);
  const ids = await shard.read(first, Math.min(end, position + 1 + tokensAround) - first);
  const at = position - first;
  const id = ids[at]!;
  if (tokenizer === undefined) return { token: { id, text: undefined }, text: undefined };
  const text = {
    before: tokenizer.decode(ids.subarray(0, at)),
    token: tokenizer.decode([id]),
    after: tokenizer.decode(ids.subarray(at + 1)),
  };
  return { token: { id, text: text.token }, text };
}

function plus(a: number | undefined, b: number): number | undefined {
  return a === undefined ? undefined : a + b;
}
