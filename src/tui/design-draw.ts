/** The lines of whichever screen of the designer is shown. Pure, except that a recipe to compare with is read. */

import { messageOf } from '../core/errors.ts';
import type { SampledDocument } from '../stages/sample-request.ts';
import { bottomLines } from './design-bottom.ts';
import { type ComparedFacts, compareLines } from './design-compare.ts';
import { helpLines } from './design-help.ts';
import { type Line, piece, words } from './design-line.ts';
import { mainScreen, type ScreenSize } from './design-screen.ts';
import type { DesignSession } from './design-session.ts';
import type { DesignUi } from './design-state.ts';
import {
  complaintCount,
  complaints,
  exactAmount,
  factLine,
  facts,
  gaugeLines,
  tokenizerText,
} from './design-summary.ts';
import { chooseLines, sampleLines, textScreen } from './design-text-screens.ts';
import type { DesignView } from './design-view.ts';
import { visibleLine } from './visible-text.ts';

/** Sample documents of a source, once they are there. */
export interface Samples {
  source: string;
  documents: readonly SampledDocument[] | undefined;
  problem: string | undefined;
}

export interface Drawing {
  screen: Line[];
  /** Lines of the text, of which the screen shows a part. */
  lines: number;
}

export interface DrawOptions {
  ui: DesignUi;
  view: DesignView;
  session: DesignSession;
  samples: Samples | undefined;
  recipes: readonly { name: string; description: string }[];
  size: ScreenSize;
}

type Keys = readonly (readonly [string, string])[];
const scrollKeys: Keys = [
  ['↑↓', 'scroll'],
  ['PgUp PgDn', 'page'],
  ['Esc', 'back'],
];

/** How many documents the samples have. */
export function pagesOf(ui: DesignUi, samples: Samples | undefined): number {
  return ui.screen.kind === 'samples' && samples?.source === ui.screen.source
    ? (samples.documents?.length ?? 0)
    : 0;
}

export function drawScreen(options: DrawOptions): Drawing {
  const { ui, view, recipes, size } = options;
  const { columns } = size;
  const text = (title: string, lines: readonly Line[], top: number, keys: Keys = scrollKeys): Drawing => ({
    screen: textScreen(title, lines, top, keys, size),
    lines: lines.length,
  });
  switch (ui.screen.kind) {
    case 'table': {
      const screen = mainScreen(view, ui.cursor, size, bottomLines(ui, columns));
      return { screen, lines: screen.length };
    }
    case 'help':
      return text('help', helpLines(columns), ui.screen.top);
    case 'complaints': {
      const all = [
        ...complaints(view, columns - 1),
        [],
        ...gaugeLines(view, Math.min(columns, 90)),
        [],
        ...facts(view).map((fact) => factLine(fact, 9)),
      ];
      return text(`${complaintCount(view)}`, all, ui.screen.top);
    }
    case 'choose':
      return text(
        'compare with',
        chooseLines(recipes, ui.screen.at, columns),
        Math.max(0, ui.screen.at - 4),
        [
          ['↑↓', 'choose'],
          ['Enter', 'compare'],
          ['Esc', 'back'],
        ],
      );
    case 'compare':
      return text(
        `${visibleLine(view.name)} and ${visibleLine(ui.screen.name)}`,
        comparison(options, ui.screen.name),
        ui.screen.top,
        [...scrollKeys, ['c', 'another recipe']],
      );
    case 'samples': {
      const { source, at, top } = ui.screen;
      const documents = options.samples?.source === source ? options.samples.documents : undefined;
      const document = documents?.[at];
      const place =
        documents === undefined ? '' : `  ${documents.length === 0 ? 0 : at + 1} of ${documents.length}`;
      return text(
        `documents of ${visibleLine(source)}${place}`,
        sampleText(options, document, documents),
        top,
        [['←→', 'document'], ...scrollKeys],
      );
    }
  }
}

function sampleText(
  { samples, size, session, ui }: DrawOptions,
  document: SampledDocument | undefined,
  documents: readonly SampledDocument[] | undefined,
): Line[] {
  if (document !== undefined) return sampleLines(document, size.columns);
  if (samples?.problem !== undefined) return words(visibleLine(samples.problem), size.columns - 1, 'warn');
  const source = session.resolved.find(
    ({ name }) => ui.screen.kind === 'samples' && name === ui.screen.source,
  );
  if (documents === undefined) return [[piece(' reading ...', 'dim')]];
  return [[piece(` ${visibleLine(source?.name ?? '')} has no documents`, 'dim')]];
}

function comparison({ view, session, size }: DrawOptions, name: string): Line[] {
  try {
    const { comparison, other } = session.compare(view.plan, name);
    const { settings } = view.design;
    const left: ComparedFacts = {
      name: view.unsaved ? `${view.name} (as it is here)` : view.name,
      facts: factsOf(
        settings.budget,
        settings.sequenceLength,
        settings.batchTokens,
        settings.tokenizer,
        settings.packing,
      ),
    };
    const { recipe } = other;
    const right: ComparedFacts = {
      name,
      facts: factsOf(
        recipe.budget?.value,
        recipe.sequenceLength.value,
        recipe.training?.batchTokens.value,
        recipe.tokenizer,
        recipe.packing,
      ),
    };
    return compareLines(comparison, left, right, size.columns);
  } catch (error) {
    return words(visibleLine(messageOf(error)), size.columns - 1, 'warn');
  }
}

function factsOf(
  budget: number | undefined,
  sequenceLength: number,
  batchTokens: number | undefined,
  tokenizer: DesignView['design']['settings']['tokenizer'],
  packing: string,
): [string, string][] {
  return [
    ['budget', budget === undefined ? 'what fits' : exactAmount(budget)],
    ['sequence', sequenceLength.toLocaleString('en-US')],
    ['step', batchTokens === undefined ? 'not said' : exactAmount(batchTokens)],
    ['tokenizer', tokenizerText(tokenizer)],
    ['packing', packing],
  ];
}
