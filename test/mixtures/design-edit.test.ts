/** Recipes edited in place: everything but the changed values stays to the byte, and the file says what was designed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openDesign, recipeOf } from '../../mixtures/design/design.ts';
import { changesOf } from '../../mixtures/design/design-changes.ts';
import { nudge, perform, redo, startHistory, undo } from '../../mixtures/design/history.ts';
import { editRecipe, moveRecipe } from '../../mixtures/edit-recipe.ts';
import { builtInRecipes, loadRecipe } from '../../mixtures/load.ts';
import { planMixture } from '../../mixtures/plan.ts';
import { parseRecipe } from '../../mixtures/recipe.ts';
import { scenes, steps } from './design-arbitrary.ts';

const text = `# what this is for
name: small   # a name
"budget": '20M'
sequenceLength: { value: 128, evidence: recalled, note: "why: \\"so\\"" }
tokenizer: ./tok
sources:
  # the web
  web:
    card: ../cards/web.md
    weight:        # a block
      value: 0.7
      # of it
      evidence: summary
    data: [./a.jsonl, "./b c.jsonl"]
  qa: { role: qa, data: ./qa, weight: 0.3 }   # short

notes:
  - "kept: as it is"
`;

const lines = (a: string, b: string): string[] => {
  const before = a.split('\n');
  return b.split('\n').filter((line) => !before.includes(line));
};

describe('editing', () => {
  test('nothing changed is nothing changed', () => {
    expect(editRecipe(text, {}, 'r.yaml')).toBe(text);
    for (const name of builtInRecipes()) {
      const loaded = loadRecipe(name, '/nowhere');
      expect(editRecipe(loaded.text, {}, loaded.file)).toBe(loaded.text);
    }
  });

  test('a changed weight is own and says what it was, the rest stays to the byte', () => {
    const edited = editRecipe(text, { weights: { web: { value: 0.6 }, qa: { value: 0.4 } } }, 'r.yaml');
    expect(lines(text, edited)).toEqual([
      '      value: 0.6',
      '      evidence: own',
      "      note: 'recipe: 0.7 (summary)'",
      '  qa: { role: qa, data: ./qa, weight: 0.4 }   # short',
    ]);
    expect(edited).toContain('      # of it\n');
    expect(editRecipe(edited, { weights: { web: { value: 0.7 }, qa: { value: 0.3 } } }, 'r.yaml')).toBe(text);
  });

  test('changed back, evidence and note are what they were', () => {
    const { text: built, file } = loadRecipe('decay-hybrid', '/nowhere');
    const changed = editRecipe(
      built,
      { weights: { instruction: { value: 0.2 }, 'megamath-web-pro': { value: 0.45 } } },
      file,
    );
    expect(lines(built, changed)).toEqual([
      "    weight: { value: 0.2, evidence: own, note: 'recipe: 0.1 (summary), TULU 3 personas, WildChat and UltraChat-200k together' }",
      "    weight: { value: 0.45, evidence: own, note: 'recipe: 0.55 (summary), the remainder' }",
    ]);
    const back = editRecipe(
      changed,
      { weights: { instruction: { value: 0.1 }, 'megamath-web-pro': { value: 0.55 } } },
      file,
    );
    expect(back).toBe(
      built.replace('value: 0.10, evidence: summary, note', 'value: 0.1, evidence: summary, note'),
    );
  });

  test('settings that were there change in place, others are put beside their like', () => {
    const edited = editRecipe(
      text,
      {
        budget: 30_000_000,
        sequenceLength: 256,
        seed: 7,
        packing: 'best-fit',
        repeatLimit: 2,
        fill: 'web',
        tokenizer: './a b',
      },
      'r.yaml',
    );
    expect(lines(text, edited)).toEqual([
      '"budget": 30M',
      `sequenceLength: { value: 256, evidence: own, note: 'recipe: 128 (recalled), why: "so"' }`,
      'fill: web',
      'seed: 7',
      'packing: best-fit',
      'repeatLimit: 2',
      'tokenizer: "./a b"',
    ]);
    const recipe = parseRecipe(edited, 'r.yaml');
    expect(recipe).toMatchObject({ seed: 7, fill: 'web', repeatLimit: 2, tokenizer: './a b' });
  });

  test('line ends stay as they are, also without one at the end', () => {
    const windows = text.trimEnd().replaceAll('\n', '\r\n');
    const edited = editRecipe(
      windows,
      { seed: 3, weights: { qa: { value: 0.25 }, web: { value: 0.75 } } },
      'r.yaml',
    );
    expect(edited.replaceAll('\r\n', '')).not.toContain('\n');
    expect(parseRecipe(edited, 'r.yaml').seed).toBe(3);
    const atEnd = 'name: x\nsources: { a: { role: web, data: ./a, weight: 1 } }\nsequenceLength: 8';
    expect(editRecipe(atEnd, { seed: 3 }, 'r.yaml')).toBe(`${atEnd}\nseed: 3`);
  });

  test('a switched-off source keeps its share in the note, and gets it back', () => {
    const { text: built, file } = loadRecipe('decay-hybrid', '/nowhere');
    const note = 'switched off at 0.1';
    const off = editRecipe(
      built,
      { weights: { 'numinamath-1.5': { value: 0, note }, 'megamath-web-pro': { value: 0.65 } } },
      file,
    );
    expect(off).toContain(
      "weight: { value: 0, evidence: own, note: 'switched off at 0.1; recipe: 0.1 (recalled)' }",
    );
    const recipe = parseRecipe(off, file);
    const roles = Object.fromEntries(Object.keys(recipe.sources).map((name) => [name, 'web' as const]));
    const source = openDesign(recipe, roles).design.sources.find((s) => s.name === 'numinamath-1.5');
    expect(source).toMatchObject({ enabled: false, held: 1e8, share: 0 });
    const on = editRecipe(
      off,
      { weights: { 'numinamath-1.5': { value: 0.1 }, 'megamath-web-pro': { value: 0.55 } } },
      file,
    );
    const own = 'evidence: own, note: ';
    expect(on).not.toContain(own);
    expect(on).toContain('weight: { value: 0.1, evidence: recalled }\ntraining:');
  });

  test('what an anchor would drag along is refused', () => {
    const anchored =
      'name: x\nsequenceLength: 8\nsources:\n  a: { role: web, data: ./a, weight: &w 0.5 }\n  b: { role: qa, data: ./b, weight: *w }\n';
    expect(() => editRecipe(anchored, { weights: { a: { value: 0.3 } } }, 'r.yaml')).not.toThrow();
    const both = editRecipe(anchored, { weights: { a: { value: 0.3 }, b: { value: 0.7 } } }, 'r.yaml');
    expect(parseRecipe(both, 'r.yaml').sources.b!.weight!.value).toBe(0.7);
    expect(() => editRecipe('- a list\n', { seed: 1 }, 'r.yaml')).toThrow(/r\.yaml/);
  });

  test('in another folder its relative paths lead to the same files', () => {
    const moved = moveRecipe(text, {
      from: '/a/b',
      to: '/a/c/d',
      file: 'r.yaml',
      isFolder: (p) => p === '/a/b/tok',
    });
    const recipe = parseRecipe(moved, 'r.yaml');
    expect(recipe.sources.web).toMatchObject({
      card: '../../cards/web.md',
      data: ['../../b/a.jsonl', '../../b/b c.jsonl'],
    });
    expect(recipe.sources.qa!.data).toBe('../../b/qa');
    expect(recipe.tokenizer).toBe('../../b/tok');
    expect(moved).toContain('# short');
    expect(moveRecipe(text, { from: '/a', to: '/a', file: 'r.yaml', isFolder: () => true })).toBe(text);
  });
});

test('any design that is written and read again gives the same plan, and its comments are all there', () => {
  fc.assert(
    fc.property(scenes, steps, ({ recipe, text: before, design, sizes }, walked) => {
      let history = startHistory(design);
      for (const step of walked) {
        if (step.kind === 'undo') history = undo(history);
        else if (step.kind === 'redo') history = redo(history);
        else if (step.kind === 'nudge')
          history = nudge(
            history,
            design.sources[step.source % design.sources.length]!.name,
            step.by,
          ).history;
        else history = perform(history, step.make(history.present)).history;
      }
      const { present } = history;
      const after = editRecipe(before, changesOf(present, recipe), 'made.yaml');
      const again = parseRecipe(after, 'made.yaml');
      const plan = planMixture(again, sizes);
      expect(plan).toEqual({
        ...planMixture(recipeOf(present, recipe), sizes),
        sources: plan.sources.map((source) =>
          expect.objectContaining({ name: source.name, sequences: source.sequences }),
        ),
      });
      const comments = (yaml: string): string[] => yaml.match(/#.*$/gm) ?? [];
      expect(comments(after)).toEqual(comments(before));
      // Opened again it is what was saved, switched-off sources included.
      const reopened = openDesign(
        again,
        Object.fromEntries(design.sources.map((s) => [s.name, s.role])),
      ).design;
      expect(reopened.sources.map((s) => [s.share, s.enabled, s.held])).toEqual(
        present.sources.map((s) => (s.enabled || s.held > 0 ? [s.share, s.enabled, s.held] : [0, true, 0])),
      );
      // Nothing more to write.
      expect(changesOf(reopened, again).weights).toEqual({});
    }),
    { numRuns: 300 },
  );
}, 30_000);
