/**
 * Recounts a mixture from its files alone and compares with what its manifest says. Uses node:fs and hyparquet and nothing of this
 * project, so that it shares no mistake with the code that wrote the folder.
 *
 *   node test/oracles/recount-mix.ts <mixture folder> [--json]
 *
 * From `.ds`, `.ds.index`, `.ds.loss` and the provenance: every token is in exactly one piece or is padding, every sequence is of one
 * source, pieces continue their documents, padding is masked and nothing else is, tokens per source and role, shares to within one
 * sequence (of what was asked for), the deviation of every prefix, checksums and sizes of every file, and `per-source/` as the same
 * sequences. Prints a table; ends with exit code 1 and a list on any disagreement.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

interface Row {
  start: bigint;
  end: bigint;
  id: string;
  source: string;
  url: string | null;
  offset: bigint;
  pass: number;
}

interface Manifest {
  name: string;
  packing: string;
  sequenceLength: number;
  windowTokens: number;
  sequences: number;
  totalTokens: number;
  paddingTokens: number;
  budget: number | null;
  qaShare: number;
  longCotShare: number;
  instructionShare: number;
  tokenizer: { name: string; vocabSize: number; eosId: number };
  files: { path: string; bytes: number; sha256: string; tokens?: number }[];
  heldout: { name: string; documents: number; tokens: number; file: string }[];
  sources: {
    name: string;
    role: string;
    requestedShare: number;
    achievedShare: number;
    achievedTokens: number;
    paddingTokens: number;
    sequences: number;
    availableTokens: number;
    documents: number;
    repeats: number;
    packed: { documents: number; cut: number; pieces: number };
  }[];
}

interface Counted {
  tokens: number;
  padding: number;
  sequences: number;
  pieces: number;
  /** Documents by id and pass: tokens of each seen so far, and whether one piece was the whole of it. */
  documents: Map<string, number>;
  hash: ReturnType<typeof createHash>;
}

export interface Recount {
  problems: string[];
  sources: Record<
    string,
    { role: string; tokens: number; padding: number; sequences: number; share: number }
  >;
  roles: Record<string, number>;
  tokens: number;
  padding: number;
  /** Most sequences by which any prefix of the output is off its share, over sources. */
  prefixDeviation: number;
  files: number;
}

export async function recountMix(folder: string): Promise<Recount> {
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  const problems: string[] = [];
  const check = (ok: boolean, text: string): void => {
    if (!ok && problems.length < 50) problems.push(text);
  };
  await checkFiles(folder, manifest, check);

  const { windowTokens } = manifest;
  const width = manifest.tokenizer.vocabSize <= 65_536 ? 2 : 4;
  const counted = new Map<string, Counted>();
  const order: string[] = [];
  for (const name of shardsIn(join(folder, 'shards'))) {
    const shard = await readShard(join(folder, 'shards', name), width, manifest, check);
    countShard(name, shard, windowTokens, counted, order, check);
  }

  const total = sum([...counted.values()], (c) => c.tokens);
  const padding = sum([...counted.values()], (c) => c.padding);
  check(total === manifest.totalTokens, `${total} tokens, manifest ${manifest.totalTokens}`);
  check(padding === manifest.paddingTokens, `${padding} of padding, manifest ${manifest.paddingTokens}`);
  check(order.length === manifest.sequences, `${order.length} sequences, manifest ${manifest.sequences}`);
  check(total + padding === order.length * windowTokens, 'tokens and padding do not fill the sequences');
  if (manifest.packing === 'concatenate') check(padding === 0, 'padding in a mixture that is joined and cut');

  const sources: Recount['sources'] = {};
  const roles: Record<string, number> = {};
  for (const planned of manifest.sources) {
    const { name, role } = planned;
    const c = counted.get(name) ?? emptyCount();
    const share = c.tokens / total;
    sources[name] = { role, tokens: c.tokens, padding: c.padding, sequences: c.sequences, share };
    roles[role] = (roles[role] ?? 0) + c.tokens;
    check(
      c.tokens === planned.achievedTokens,
      `${name}: ${c.tokens} tokens, manifest ${planned.achievedTokens}`,
    );
    check(
      c.padding === planned.paddingTokens,
      `${name}: ${c.padding} padding, manifest ${planned.paddingTokens}`,
    );
    check(
      c.sequences === planned.sequences,
      `${name}: ${c.sequences} sequences, manifest ${planned.sequences}`,
    );
    check(
      c.pieces === planned.packed.pieces,
      `${name}: ${c.pieces} pieces, manifest ${planned.packed.pieces}`,
    );
    check(
      c.documents.size === planned.packed.documents,
      `${name}: ${c.documents.size} documents, manifest ${planned.packed.documents}`,
    );
    check(
      Math.abs(c.tokens - planned.requestedShare * total) <= windowTokens,
      `${name}: ${c.tokens} tokens are more than one sequence off ${planned.requestedShare} of ${total}`,
    );
    check(
      Math.abs(share - planned.achievedShare) < 1e-9,
      `${name}: share ${share}, manifest ${planned.achievedShare}`,
    );
    if (planned.repeats > 0)
      check(
        Math.abs(c.tokens / planned.availableTokens - planned.repeats) < 1e-9,
        `${name}: read ${c.tokens / planned.availableTokens} times, manifest ${planned.repeats}`,
      );
  }
  for (const name of counted.keys()) check(name in sources, `the manifest has no source ${name}`);
  const shareOf = (...wanted: string[]) => sum(wanted, (role) => roles[role] ?? 0) / total;
  check(
    Math.abs(shareOf('qa', 'long-cot') - manifest.qaShare) < 1e-9,
    `QA share ${shareOf('qa', 'long-cot')}`,
  );
  check(
    Math.abs(shareOf('long-cot') - manifest.longCotShare) < 1e-9,
    `long-cot share ${shareOf('long-cot')}`,
  );
  check(
    Math.abs(shareOf('instruction') - manifest.instructionShare) < 1e-9,
    `instruction share ${shareOf('instruction')}`,
  );
  await checkPerSource(folder, width, manifest, counted, check);
  await checkHeldout(folder, manifest, counted, check);
  return {
    problems,
    sources,
    roles,
    tokens: total,
    padding,
    prefixDeviation: prefixDeviation(order, counted),
    files: manifest.files.length,
  };
}

type Check = (ok: boolean, text: string) => void;

interface Shard {
  tokens: number;
  bytes: Buffer;
  width: number;
  ends: number[];
  loss: Buffer | undefined;
  rows: Row[];
}

async function readShard(path: string, width: number, manifest: Manifest, check: Check): Promise<Shard> {
  const bytes = readFileSync(path);
  const index = readFileSync(`${path}.index`);
  const metadata = readFileSync(`${path}.metadata`, 'utf8').split('\n');
  const tokens = bytes.length / width;
  check(
    metadata[0] === `${manifest.tokenizer.name}|${width}` && metadata[1] === String(tokens),
    `${path}.metadata says ${metadata.slice(0, 2).join(', ')}`,
  );
  const ends = Array.from({ length: index.length / 8 }, (_, i) => Number(index.readBigUInt64LE(i * 8)));
  check((ends.at(-1) ?? 0) === tokens, `${path}: the index ends at ${ends.at(-1)} of ${tokens}`);
  const lossPath = `${path}.loss`;
  const loss = existsSync(lossPath) ? readFileSync(lossPath) : undefined;
  check(loss === undefined || loss.length === tokens, `${lossPath} has ${loss?.length} entries`);
  const file = await asyncBufferFromFile(path.replace(/\.ds$/, '.provenance.parquet'));
  const rows = (await parquetReadObjects({ file, compressors })) as unknown as Row[];
  return { tokens, bytes, width, ends, loss, rows };
}

/** Walks the index and the provenance side by side. */
function countShard(
  name: string,
  { tokens, bytes, width, ends, loss, rows }: Shard,
  windowTokens: number,
  counted: Map<string, Counted>,
  order: string[],
  check: Check,
): void {
  check(tokens % windowTokens === 0, `${name}: ${tokens} tokens are not whole sequences`);
  let at = 0;
  let row = 0;
  let source = '';
  for (const end of ends) {
    check(end > at, `${name}: an entry ends at ${end}, not behind ${at}`);
    check(
      Math.floor(at / windowTokens) === Math.floor((end - 1) / windowTokens),
      `${name}: tokens ${at} to ${end} cross sequences`,
    );
    const from = rows[row];
    if (from !== undefined && Number(from.start) === at) {
      check(Number(from.end) === end, `${name}: provenance ends at ${from.end}, the index at ${end}`);
      row++;
      const c = get(counted, from.source);
      if (at % windowTokens === 0) {
        source = from.source;
        order.push(source);
        c.sequences++;
      }
      check(from.source === source, `${name}: token ${at} is of ${from.source} in a sequence of ${source}`);
      const document = `${from.pass} ${from.id}`;
      c.documents.set(document, (c.documents.get(document) ?? 0) + end - at);
      c.tokens += end - at;
      c.pieces++;
      c.hash.update(`${from.id} ${from.offset} ${from.pass}\n`);
      if (loss !== undefined)
        check(
          loss.subarray(at, end).every((x) => x === 1),
          `${name}: tokens ${at} to ${end} are masked`,
        );
    } else {
      check(end % windowTokens === 0, `${name}: padding from ${at} does not end its sequence`);
      check(
        loss?.subarray(at, end).every((x) => x === 0) === true,
        `${name}: padding from ${at} is not masked`,
      );
      get(counted, source).padding += end - at;
    }
    get(counted, source).hash.update(bytes.subarray(at * width, end * width));
    at = end;
  }
  check(row === rows.length, `${name}: ${rows.length - row} rows of the provenance have no tokens`);
}

/** The folders of single sources hold the same sequences in the same order. */
async function checkPerSource(
  folder: string,
  width: number,
  manifest: Manifest,
  counted: Map<string, Counted>,
  check: Check,
): Promise<void> {
  const root = join(folder, 'per-source');
  if (!existsSync(root)) return;
  const weights = JSON.parse(readFileSync(join(root, 'weights.json'), 'utf8')) as {
    sources: { folder: string; name: string; weight: number }[];
  };
  const again = new Map<string, Counted>();
  for (const { folder: name } of weights.sources)
    for (const shard of shardsIn(join(root, name))) {
      const read = await readShard(join(root, name, shard), width, manifest, check);
      countShard(`${name}/${shard}`, read, manifest.windowTokens, again, [], check);
    }
  check(again.size === counted.size, `per-source has ${again.size} sources, the shards ${counted.size}`);
  for (const [name, c] of again) {
    const whole = counted.get(name);
    check(
      whole !== undefined && whole.sequences === c.sequences,
      `per-source/${name}: ${c.sequences} sequences`,
    );
    check(
      whole !== undefined && whole.hash.copy().digest('hex') === c.hash.copy().digest('hex'),
      `per-source/${name} holds other sequences than the shards`,
    );
    const { weight } = weights.sources.find((s) => s.name === name)!;
    check(
      Math.abs(weight - c.sequences / manifest.sequences) < 1e-12,
      `per-source/${name}: weight ${weight}`,
    );
  }
}

/** Held-out documents are whole, end with the end token, and none of them is in a sequence. */
async function checkHeldout(
  folder: string,
  manifest: Manifest,
  counted: Map<string, Counted>,
  check: Check,
): Promise<void> {
  const width = manifest.tokenizer.vocabSize <= 65_536 ? 2 : 4;
  for (const { name, documents, tokens, file } of manifest.heldout) {
    const shard = await readShard(join(folder, file), width, manifest, check);
    check(shard.rows.length === documents, `${file}: ${shard.rows.length} documents, manifest ${documents}`);
    check(shard.tokens === tokens, `${file}: ${shard.tokens} tokens, manifest ${tokens}`);
    const trained = new Set(
      [...(counted.get(name)?.documents.keys() ?? [])].map((key) => key.slice(key.indexOf(' ') + 1)),
    );
    for (const { id, end } of shard.rows) {
      const last = Number(end) - 1;
      const token = width === 2 ? shard.bytes.readUInt16LE(last * 2) : shard.bytes.readUInt32LE(last * 4);
      check(token === manifest.tokenizer.eosId, `${file}: document ${id} does not end with the end token`);
      check(!trained.has(id), `${file}: document ${id} is also in the training shards`);
    }
  }
}

async function checkFiles(folder: string, manifest: Manifest, check: Check): Promise<void> {
  const listed = new Set(manifest.files.map((file) => file.path));
  for (const { path, bytes, sha256 } of manifest.files) {
    const full = join(folder, path);
    if (!existsSync(full)) check(false, `${path} is missing`);
    else {
      check(statSync(full).size === bytes, `${path} has ${statSync(full).size} bytes, manifest ${bytes}`);
      check((await sha256Of(full)) === sha256, `${path} has another sha256`);
    }
  }
  for (const top of ['shards', 'heldout', 'per-source', 'tokenizer', 'samples.md']) {
    if (!existsSync(join(folder, top))) continue;
    const found = statSync(join(folder, top)).isDirectory()
      ? readdirSync(join(folder, top), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      : [top];
    for (const path of found) check(listed.has(path), `${path} is not in the manifest`);
  }
}

function prefixDeviation(order: readonly string[], counted: Map<string, Counted>): number {
  const seen = new Map<string, number>();
  let most = 0;
  for (const [t, source] of order.entries()) {
    seen.set(source, (seen.get(source) ?? 0) + 1);
    for (const [name, { sequences }] of counted)
      most = Math.max(most, Math.abs((seen.get(name) ?? 0) - ((t + 1) * sequences) / order.length));
  }
  return most;
}

function get(counted: Map<string, Counted>, source: string): Counted {
  const found = counted.get(source) ?? emptyCount();
  counted.set(source, found);
  return found;
}

function emptyCount(): Counted {
  return { tokens: 0, padding: 0, sequences: 0, pieces: 0, documents: new Map(), hash: createHash('sha256') };
}

function shardsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ds'))
    .sort();
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((n, item) => n + of(item), 0);
}

if (import.meta.main) {
  const [folder, json] = process.argv.slice(2);
  const result = await recountMix(folder!);
  if (json === '--json') process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    const rows = [
      ['source', 'role', 'tokens', 'share', 'padding', 'sequences'],
      ...Object.entries(result.sources).map(([name, s]) => [
        name,
        s.role,
        String(s.tokens),
        `${(s.share * 100).toFixed(4)} %`,
        String(s.padding),
        String(s.sequences),
      ]),
      ...Object.entries(result.roles).map(([role, tokens]) => [
        '',
        role,
        String(tokens),
        `${((tokens / result.tokens) * 100).toFixed(4)} %`,
        '',
        '',
      ]),
    ];
    const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
    for (const row of rows)
      process.stdout.write(
        `${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}\n`,
      );
    process.stdout.write(
      `${result.tokens} tokens, ${result.padding} of padding, ${result.files} files; every prefix within ${result.prefixDeviation.toFixed(3)} sequences of its shares\n`,
    );
    for (const problem of result.problems) process.stdout.write(`DISAGREES: ${problem}\n`);
    if (result.problems.length === 0) process.stdout.write('agrees with the manifest\n');
  }
  if (result.problems.length > 0) process.exitCode = 1;
}
