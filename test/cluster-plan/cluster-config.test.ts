/** What a description may say: everything wrong is told by key, value and cure. */
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { changed, parsed, planned } from './made-up.ts';

test('the made-up description is right', () => {
  expect(parsed(changed({})).efficiency).toEqual({ value: 0.5, evidence: 'own' });
});

test('counts may be written as people write them, with how well they are known', () => {
  const description = parsed(
    changed({ 'corpus.documents': { value: '106.5M', evidence: 'confirmed', note: 'table 1' } }),
  );
  expect(description.corpus!.documents).toEqual({
    value: 106_500_000,
    evidence: 'confirmed',
    note: 'table 1',
  });
});

describe('refuses', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ nodez: {} }, /nodez.*nodes/s],
    [{ 'corpus.document': 5 }, /"document" in corpus; did you mean "documents"/],
    [{ 'nodes.data.core': 5 }, /"core" in nodes\.data; did you mean "cores"/],
    [{ name: '' }, /name/],
    [{ name: undefined }, /name/],
    [{ 'corpus.documents': 0 }, /corpus\.documents/],
    [{ 'corpus.documents': -5 }, /corpus\.documents/],
    [{ 'corpus.documents': 'many' }, /corpus\.documents.*must be a count such as 20000000 or 20M/s],
    [{ 'corpus.documents': 1.5 }, /corpus\.documents.*must be a whole count/s],
    [{ 'corpus.documents': { value: 5, evidence: 'sure' } }, /corpus\.documents\.evidence.*sure/s],
    [{ 'corpus.pages': 'pdf' }, /corpus\.pages.*pdf/s],
    [{ 'corpus.compression': 0 }, /corpus\.compression/],
    [{ 'filter.dedup': 'minhash' }, /filter\.dedup.*minhash/s],
    [{ 'filter.clusteredShare': 1.5 }, /filter\.clusteredShare.*must be a share from 0 to 1/s],
    [{ 'filter.clusteredShare': undefined }, /filter\.clusteredShare/],
    [{ 'filter.duplicateShare': -0.1 }, /filter\.duplicateShare.*must be a share from 0 to 1/s],
    [{ 'filter.survivingShare': 'half' }, /filter\.survivingShare.*must be a share/s],
    [{ 'nodes.data.count': 0 }, /nodes\.data\.count/],
    [{ 'nodes.data.cores': 2.5 }, /nodes\.data\.cores/],
    [{ 'nodes.data.memory': 256 }, /nodes\.data\.memory.*must be bytes with their unit.*256/s],
    [{ 'nodes.data.memory': '256 gb' }, /nodes\.data\.memory.*"256 GiB"/s],
    [{ 'nodes.data.memory': '0 GB' }, /nodes\.data\.memory.*above 0/s],
    [{ 'nodes.data.disk': '2 GB' }, /nodes\.data\.disk.*bytes a second with their unit, such as "2 GB\/s"/s],
    [{ 'nodes.data.disk': 2 }, /nodes\.data\.disk.*bytes a second/s],
    [{ 'nodes.data.pricePerHour': -1 }, /nodes\.data\.pricePerHour/],
    [{ 'nodes.data.coreSpeed': 0 }, /nodes\.data\.coreSpeed/],
    [{ 'nodes.data': undefined }, /nodes\.data: missing: a corpus is worked on by data nodes/],
    [{ 'nodes.gpu': undefined }, /nodes\.gpu: missing: training needs GPU nodes/],
    [
      { 'nodes.gpu.peakTflops': undefined },
      /nodes\.gpu\.peakTflops: missing: Mine is none of the known kinds.*H100/,
    ],
    [{ 'nodes.gpu.memory': undefined }, /nodes\.gpu\.memory: missing: Mine/],
    [{ efficiency: 0 }, /efficiency.*above 0/s],
    [{ efficiency: 70 }, /efficiency.*must be a share/s],
    [{ efficiency: undefined }, /efficiency/],
    [{ filter: undefined }, /filter: missing/],
    [{ corpus: undefined }, /filter: needs a corpus/],
    [{ corpus: undefined, filter: undefined, score: true }, /score: needs a corpus/],
    [{ corpus: undefined, filter: undefined, training: undefined }, /nothing to plan/],
    [
      { corpus: undefined, filter: undefined, 'nodes.data': undefined, 'training.phases.0.recipe': 'stable' },
      /nodes\.data: missing: mixtures are made on data nodes/,
    ],
    [{ 'training.phases': [] }, /training\.phases/],
    [
      {
        'training.phases': [
          { name: 'a', tokens: 1 },
          { name: 'a', tokens: 2 },
        ],
      },
      /training\.phases\.1\.name: "a" is the name of an earlier phase/,
    ],
    [{ 'training.tokensPerSecondPerGpu': 1000 }, /training\.mfu: stands beside tokensPerSecondPerGpu/],
    [{ 'training.mfu': 45 }, /training\.mfu.*must be a share/s],
    [{ 'training.availability': 0 }, /training\.availability/],
    [{ 'training.checkpointEvery': 0 }, /training\.checkpointEvery/],
    [{ 'training.tp': 0 }, /training\.tp/],
    [{ 'training.recompute': 'yes' }, /training\.recompute/],
    [
      { training: undefined, rl: { steps: 1, prompts: 1, rollouts: 1, promptTokens: 1, responseTokens: 1 } },
      /rl: needs training/,
    ],
    [{ rl: { steps: 1 } }, /rl\.prompts/],
    [{ refine: { share: 0, model: 'm', outputRatio: 1, promptTokens: 1 } }, /refine\.share.*above 0/s],
    [{ 'storage.openMilliseconds': 0 }, /storage\.openMilliseconds/],
    [{ 'storage.bandwidht': '1 GB/s' }, /"bandwidht" in storage; did you mean "bandwidth"/],
  ])('%j', (changes, message) => {
    const parse = () => parsed(changed(changes));
    expect(parse).toThrow(UserError);
    expect(parse).toThrow(message);
  });
});

test('a pipeline that was not measured is refused with those that were, and what to do', () => {
  let error: unknown;
  try {
    planned({ 'filter.pipeline': 'fineweb' });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UserError);
  expect(String(error)).toMatch(
    /cluster\.yaml: filter\.pipeline: no rates .* html pages and a pipeline named "fineweb" \(there are: html: math-web; text: math-web\)/,
  );
  expect((error as UserError).hint).toMatch(/--rates/);
});
