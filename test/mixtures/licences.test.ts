/** Licences: what is warned about for which use, which licence a product can carry, and the Hub's identifiers. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtInCards, loadCard, loadRecipe } from '../../mixtures/load.ts';
import { resolveSources } from '../../mixtures/sources.ts';
import { licensedSource } from '../../src/core/card.ts';
import { dutiesOf, hubLicences, joinedLicence, licenceWarnings, uses } from '../../src/core/licences.ts';
import { planMix } from '../../src/stages/prepare-mix.ts';

const empty = mkdtempSync(join(tmpdir(), 'licences-'));
const warn = (license: string, use?: (typeof uses)[number], more: object = {}) =>
  licenceWarnings([{ name: 'web', license, ...more }], use);

describe('warnings', () => {
  test('name the source, the licence and what it forbids', () => {
    expect(warn('cc-by-nc-4.0', 'commercial')).toEqual([
      'web: the licence of its data, cc-by-nc-4.0, forbids commercial use',
    ]);
    expect(warn('cc-by-nd-4.0', 'redistribute')).toEqual([
      'web: the licence of its data, cc-by-nd-4.0, forbids changed copies',
    ]);
    expect(warn('cc-by-nc-nd-4.0')).toEqual([
      'web: the licence of its data, cc-by-nc-nd-4.0, forbids commercial use and changed copies',
    ]);
    expect(warn('cc-by-sa-4.0', 'redistribute')[0]).toContain('the result must carry the same licence');
    expect(warn('cc-by-nc-4.0', 'redistribute')[0]).toContain('stays forbidden to whoever gets it');
  });

  test.each(uses)('a licence that nobody knows is warned about for %s', (use) => {
    expect(warn('unknown', use)[0]).toMatch(/^web: the licence of its data is not known, so nobody can tell/);
    expect(warn('other', use, { licenseName: 'qwen' })[0]).toContain('other (qwen), is not in the table');
  });

  test('permissive licences are silent for every use, and non-commercial ones for research', () => {
    for (const use of [...uses, undefined])
      for (const license of ['mit', 'apache-2.0', 'odc-by', 'cc-by-4.0', 'cc0-1.0'])
        expect(warn(license, use)).toEqual([]);
    expect(warn('cc-by-nc-4.0', 'research')).toEqual([]);
    expect(warn('cc-by-nd-4.0', 'research')).toEqual([]);
  });

  test('text that a Llama model wrote binds whoever gives a model away, whatever the set says of itself', () => {
    const card = loadCard('megamath-web-pro-max', empty);
    const told = licenceWarnings([licensedSource(card)], 'redistribute').join('\n');
    expect(told).toContain('the licence of its data is not known');
    expect(told).toMatch(
      /Llama-3\.1-70B-Instruct, whose licence llama3\.1 asks: .*"Llama" at the beginning of its name/,
    );
    expect(licenceWarnings([licensedSource(loadCard('ultrachat-200k', empty))], 'commercial')[0]).toContain(
      'OpenAI ChatGPT, whose terms (unknown) are not known here',
    );
  });

  test('gated files cannot be passed on without saying so', () => {
    expect(warn('mit', 'redistribute', { gated: true })[0]).toContain('accept its conditions');
    expect(warn('mit', 'commercial', { gated: true })).toEqual([]);
  });

  test('a plan warns for the use of the request, and the request goes before the recipe', async () => {
    const loaded = loadRecipe('decay-long', empty);
    const warningsFor = async (own: 'research' | undefined, asked: 'redistribute' | undefined) => {
      const { plan } = await planMix({
        loaded: { ...loaded, recipe: { ...loaded.recipe, use: own } },
        cwd: empty,
        output: join(empty, 'out'),
        ...(asked === undefined ? {} : { use: asked }),
      });
      return plan.warnings.join('\n');
    };
    expect(await warningsFor(undefined, 'redistribute')).toContain('Built with Llama');
    expect(await warningsFor('research', undefined)).not.toContain('Built with Llama');
    expect(await warningsFor('research', 'redistribute')).toContain('Built with Llama');
  });
});

describe('the licence of a product', () => {
  test('is that of all sources, or the strictest where it covers the others', () => {
    expect(joinedLicence(['mit', 'mit'])).toEqual({ license: 'mit', why: 'the licence of every source' });
    expect(joinedLicence(['cc0-1.0', 'odc-by']).license).toBe('odc-by');
    expect(joinedLicence(['cc-by-4.0', 'cc-by-nc-4.0']).license).toBe('cc-by-nc-4.0');
    expect(joinedLicence(['mit', 'cc-by-sa-4.0']).license).toBe('cc-by-sa-4.0');
  });

  test('is other, with the list, where none covers all; unknown stays unknown', () => {
    expect(joinedLicence(['odc-by', 'apache-2.0'])).toMatchObject({
      license: 'other',
      name: 'apache-2.0, odc-by',
    });
    expect(joinedLicence(['cc-by-sa-4.0', 'cc-by-nc-4.0']).license).toBe('other');
    expect(joinedLicence(['cc-by-sa-4.0', 'odbl']).license).toBe('other');
    expect(joinedLicence(['cc-by-nd-4.0']).license).toBe('other');
    expect(joinedLicence(['mit', 'unknown', 'cc-by-nc-4.0']).license).toBe('unknown');
    expect(joinedLicence([]).license).toBe('unknown');
    expect(joinedLicence(['gemma', 'ms-pl']).license).toBe('other');
  });

  test('never asks less than a source does, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...hubLicences), { minLength: 1, maxLength: 5 }), (ids) => {
        const joined = joinedLicence(ids);
        expect(joinedLicence([...ids].reverse())).toEqual(joined);
        expect(hubLicences).toContain(joined.license);
        if (ids.includes('unknown')) expect(joined.license).toBe('unknown');
        const duties = dutiesOf(joined.license);
        if (duties === undefined) return;
        for (const id of ids)
          for (const duty of Object.keys(dutiesOf(id) ?? {})) expect(Object.keys(duties)).toContain(duty);
      }),
    );
  });
});

test('every built-in card has an identifier of the Hub, and its models too', () => {
  for (const name of builtInCards()) {
    const card = loadCard(name, empty);
    expect(hubLicences, name).toContain(card.license);
    for (const { license } of card.project.generatedBy) expect(hubLicences, name).toContain(license);
  }
});

test('every source of every paper recipe can be asked', () => {
  const sources = resolveSources(loadRecipe('stable', empty), empty).map(({ card, name }) =>
    licensedSource(card!, name),
  );
  expect(licenceWarnings(sources, 'commercial').length).toBeGreaterThan(2);
});
