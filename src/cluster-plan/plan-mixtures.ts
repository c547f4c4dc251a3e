/**
 * The stages of the mixtures: tokenise (units by worker; text read, tokens cached), arrange (one process: lengths of all documents, once to arrange the shards and once to
 * conclude them) and shards (by process; with index and provenance).
 * Where a phase names a recipe, sequences and bytes are those of `mix --dry-run` (mixtures/estimate.ts); else tokens times four bytes.
 */
import { measured, type PlanContext, stated } from './context.ts';
import { computed, type Figure, given, nothing, product, roundedUp } from './figure.ts';
import { planStage, type StagePlan } from './stage.ts';

/** Stored tokens of vocabularies above 65,536 (recipe.md 7.4). */
const tokenBytes = 4;
/** What `mix` puts into a shard unless it is told otherwise. */
const shardTokens = 256e6;
/** Lengths and marks are held, not tokens: what `npm run bench:mix -- --memory` saw of a whole run, rounded up. */
const arrangeMemoryBytes = 1e9;
/** Reading the length of a document in the order of a pass, with its index on disk, and packing it (EXPERIMENTS.md); best-fit takes twice as long. */
const lengthSeconds = 1.4e-6;
const tokensPerDocument = 1000;

export function planMixtures(context: PlanContext): StagePlan[] {
  const { description, rates, assumptions } = context;
  if (description.training === undefined || description.nodes.data === undefined) return [];
  const perToken = bytesPerToken(context);
  const perByte = measured(
    context,
    'tokenise',
    'seconds a byte to tokenise',
    's',
    rates.tokenise.seconds / rates.tokenise.bytes,
    `${rates.tokenise.tokenizer}: ${rates.tokenise.seconds.toFixed(2)} s of one core for ${rates.tokenise.bytes} bytes of text`,
    rates.tokenise.source,
  );
  const written = measured(
    context,
    'write',
    'seconds a token to write',
    's',
    rates.write.seconds / rates.write.tokens,
    `${rates.write.seconds.toFixed(2)} s of one core for ${rates.write.tokens} tokens`,
    rates.write.source,
  );
  const stored = storedPerByte(context);
  assumptions.add({
    id: 'shards',
    text: `shards of ${shardTokens / 1e6}M tokens, each written by one process`,
    source: 'midtrain mix (--shard-tokens)',
    evidence: 'own',
  });
  assumptions.add({
    id: 'lengths',
    text: `one process goes over the lengths of all documents, ${lengthSeconds * 1e6} microseconds each, before the shards and once more behind them; documents of ${tokensPerDocument} tokens; 1 GB of memory is more than was seen`,
    source: 'EXPERIMENTS.md (writing a mixture in shares)',
    evidence: 'own',
  });
  const perShard = given('tokens of a shard', shardTokens, 'tokens', 'shards');
  const perLength = given(
    'seconds a token to arrange',
    (2 * lengthSeconds) / tokensPerDocument,
    's',
    'lengths',
  );
  return description.training.phases.flatMap((phase, i) => {
    const key = `training.phases.${i}.tokens`;
    const tokens = stated(context, key, `tokens of ${phase.name}`, 'tokens', phase.tokens);
    const text = product(`text of ${phase.name}`, 'bytes', [tokens, perToken]);
    const read = product(`text of ${phase.name} as stored`, 'bytes', [text, stored]);
    const { shards, cache } = bytesOf(context, phase.name, tokens);
    return [
      planStage(context, {
        name: `tokenise ${phase.name}`,
        documents: nothing,
        read,
        temporary: cache,
        written: nothing,
        seconds: product(`core seconds to tokenise ${phase.name}`, 's', [text, perByte]),
      }),
      planStage(context, {
        name: `arrange ${phase.name}`,
        documents: nothing,
        read: nothing,
        temporary: nothing,
        written: nothing,
        seconds: product(`core seconds to arrange ${phase.name}`, 's', [tokens, perLength]),
        alone: { peakMemory: given('memory of arrange', arrangeMemoryBytes, 'bytes', 'lengths') },
      }),
      planStage(context, {
        name: `shards ${phase.name}`,
        documents: nothing,
        read: cache,
        temporary: nothing,
        written: shards,
        seconds: product(`core seconds to write ${phase.name}`, 's', [tokens, written]),
        units: roundedUp(
          `shard files of ${phase.name}`,
          '',
          product(`tokens of ${phase.name} in shards`, '', [tokens], [perShard]),
        ),
      }),
    ];
  });
}

export function bytesPerToken(context: PlanContext): Figure {
  const { description, rates } = context;
  const key = 'bytesPerToken';
  const { bytes, tokens, tokenizer } = rates.tokenise;
  return description.bytesPerToken === undefined
    ? measured(
        context,
        key,
        'bytes a token',
        'bytes',
        bytes / tokens,
        `${tokenizer}: ${bytes} bytes / ${tokens} tokens`,
        rates.tokenise.source,
      )
    : stated(context, key, 'bytes a token', 'bytes', description.bytesPerToken);
}

/** What is read for a byte of text: Parquet with zstd, as filter writes it. */
function storedPerByte(context: PlanContext): Figure {
  const finish = context.rates.filter.find((sample) => sample.finish !== undefined)?.finish;
  if (finish === undefined) {
    const id = context.assumptions.add({
      id: 'bytes kept',
      text: 'bytes stored for a byte of text: 1',
      source: 'the rates have no second pass of a filter: taken as not compressed',
      evidence: 'unknown',
    });
    return given('bytes stored for a byte of text', 1, '', id);
  }
  return measured(
    context,
    'bytes kept',
    'bytes of kept/ for a byte of text',
    '',
    finish.keptBytes / finish.keptTextBytes,
    `${finish.keptBytes} / ${finish.keptTextBytes} bytes`,
  );
}

function bytesOf(
  { resolved, assumptions }: PlanContext,
  phase: string,
  tokens: Figure,
): { shards: Figure; cache: Figure } {
  const mixture = resolved.mixtures.get(phase);
  if (mixture === undefined) {
    assumptions.add({
      id: 'bytes of tokens',
      text: `${tokenBytes} bytes a token, in the cache and in the shards; index and provenance left out`,
      source: 'recipe.md 7.4 (vocabularies above 65,536)',
      evidence: 'confirmed',
    });
    const each = given('bytes a token stored', tokenBytes, 'bytes', 'bytes of tokens');
    const bytes = product(`shards of ${phase}`, 'bytes', [tokens, each]);
    return { shards: bytes, cache: product(`cache of ${phase}`, 'bytes', [tokens, each]) };
  }
  const { diskBytes } = mixture.estimate;
  const id = assumptions.add({
    id: `bytes of ${phase}`,
    text: `shards, index, provenance and cache of the recipe ${mixture.plan.name}, with the sizes that data cards state`,
    source: `midtrain mix ${mixture.plan.name} --dry-run (mixtures/estimate.ts)`,
    evidence: 'own',
  });
  const how = `estimateRun of the recipe ${mixture.plan.name}`;
  return {
    shards: computed(`shards of ${phase}`, 'bytes', diskBytes.total - diskBytes.cache, how, [], id),
    cache: computed(`cache of ${phase}`, 'bytes', diskBytes.cache, how, [], id),
  };
}
