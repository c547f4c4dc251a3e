/** Recipes and sessions for the tests of the designer, in folders of their own. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHistory } from '../../mixtures/design/history.ts';
import { loadRecipe } from '../../mixtures/load.ts';
import { DesignSession } from '../../src/tui/design-session.ts';
import { type DesignUi, type Surroundings, startUi, unsaved } from '../../src/tui/design-state.ts';
import type { DesignView } from '../../src/tui/design-view.ts';
import { modelShapes } from '../../trainer/model/model-shapes.ts';

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'design-'));

/** A recipe of `count` sources of equal shares, every fifth of them QA; none of their data is here. */
export function manySources(
  count: number,
  name = (i: number) => `source-${String(i).padStart(2, '0')}`,
): string {
  const share = Math.floor(1e6 / count) / 1e6;
  const roles = ['web', 'qa', 'long-cot', 'code', 'instruction'];
  const lines = Array.from(
    { length: count },
    (_, i) =>
      `  ${name(i)}:\n    role: ${roles[i % 5]}\n    data: ./absent-${i}\n    weight: { value: ${i === 0 ? Number((1 - share * (count - 1)).toFixed(6)) : share}, evidence: recalled } # number ${i}`,
  );
  return `# many sources\nname: many\ntokenizer: { train: { vocabSize: 1024 } }\nbudget: 1B\nsequenceLength: 2048\nfill: ${name(0)}\nsources:\n${lines.join('\n')}\n`;
}

/** A session over a recipe: a built-in one by name, or a text in a file of its own. */
export function sessionOf(recipe: { name: string } | { text: string }): DesignSession {
  const cwd = scratch();
  if ('text' in recipe) writeFileSync(join(cwd, 'recipe.yaml'), recipe.text);
  const loaded = loadRecipe('text' in recipe ? 'recipe.yaml' : recipe.name, cwd);
  return new DesignSession({ cwd, loaded, models: modelShapes });
}

export function uiOf(session: DesignSession): DesignUi {
  return startUi(startHistory(session.opened), session.defaultModel());
}

export function viewOf(session: DesignSession, ui: DesignUi, change: Partial<DesignView> = {}): DesignView {
  const design = ui.history.present;
  const plan = session.plan(design, session.cardSizes);
  const batch = session.batchTokens(design, plan);
  return {
    name: session.recipe.name,
    file: session.fileName,
    builtIn: session.ownFile === undefined,
    unsaved: unsaved(ui),
    undoable: ui.history.past.length,
    redoable: ui.history.future.length,
    design,
    plan,
    estimate: session.estimate(design, plan, ui.model, ui.speed),
    batchTokens: batch.tokens,
    batchAssumed: batch.assumed,
    model: ui.model,
    speed: ui.speed?.label,
    sizes: session.cardSizes,
    counting: new Set(),
    notices: [],
    ...change,
  };
}

export function aroundOf(session: DesignSession, change: Partial<Surroundings> = {}): Surroundings {
  return {
    page: 20,
    lines: 100,
    pages: 5,
    recipes: ['demo', 'stable'],
    models: modelShapes.map(({ name }) => name),
    ownFile: session.ownFile,
    suggestedFile: './mixture.yaml',
    suggestedExport: './plan.json',
    suggestedOutput: 'runs/x-mix',
    batchTokens: 4_194_304,
    problem: undefined,
    checkTokenizer: (text) => session.checkTokenizer(text),
    ...change,
  };
}
