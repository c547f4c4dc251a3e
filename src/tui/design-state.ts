/** The state of the designer's view and what can be asked of the world outside it. Plain data; design-keys.ts moves it. */
import type { DesignSettings } from '../../mixtures/design/design.ts';
import { type History, isDirty } from '../../mixtures/design/history.ts';
import type { Tone } from './design-line.ts';

export type Screen =
  | { kind: 'table' }
  | { kind: 'help'; top: number }
  /** Problems, warnings and notices in full. */
  | { kind: 'complaints'; top: number }
  /** Which recipe to compare with. */
  | { kind: 'choose'; at: number }
  | { kind: 'compare'; name: string; top: number }
  | { kind: 'samples'; source: string; at: number; top: number };

export type Field =
  | 'share'
  | 'qa'
  | 'long-cot'
  | 'instruction'
  | 'budget'
  | 'sequenceLength'
  | 'batchTokens'
  | 'tokenizer'
  | 'seed'
  | 'repeatLimit'
  | 'model'
  | 'speed'
  | 'save'
  | 'export'
  | 'mix';

/** A line being typed. */
export interface Prompt {
  field: Field;
  text: string;
  /** Characters before the caret. */
  caret: number;
  /** Nothing was typed yet: the first character replaces what is there. */
  fresh: boolean;
  error?: string;
  /** Saving only: what comes after it. */
  after?: AfterSave;
}

export type AfterSave = 'stay' | 'quit' | 'mix';

export type Question =
  | { kind: 'quit' }
  /** Ctrl-C with unsaved work. */
  | { kind: 'interrupt' }
  | { kind: 'overwrite'; path: string; after: AfterSave }
  | { kind: 'changed-on-disk'; path: string; after: AfterSave }
  | { kind: 'mix-unsaved' };

interface Message {
  text: string;
  tone: Extract<Tone, 'plain' | 'warn'>;
}

export interface Speed {
  flopsPerSecond: number | undefined;
  /** `180 TFLOP/s`, `this adapter (llvmpipe, 9 GFLOP/s)`, `measuring this adapter`. */
  label: string;
  /** Share of it that training reaches; undefined: as of a data sheet's figure. */
  utilisation: number | undefined;
}

export interface DesignUi {
  history: History;
  cursor: number;
  screen: Screen;
  prompt: Prompt | undefined;
  question: Question | undefined;
  message: Message | undefined;
  speed: Speed | undefined;
  /** Name of a model of trainer/model/model-shapes.ts. */
  model: string;
}

/** What only the outside can do; its result comes back as a change of the state. */
export type Effect =
  | { kind: 'save'; path: string | undefined; force: boolean; after: AfterSave }
  | { kind: 'export'; path: string }
  | { kind: 'mix'; output: string }
  | { kind: 'measure' }
  | { kind: 'leave'; how: 'quit' | 'interrupted' };

/** What the keys need to know and the state does not hold. */
export interface Surroundings {
  /** Lines of text that fit on a screen of text. */
  page: number;
  /** Lines of the text on the screen now, for scrolling to its end. */
  lines: number;
  /** Pages of the screen: documents of a sample. */
  pages: number;
  /** Recipes that can be compared with. */
  recipes: readonly string[];
  models: readonly string[];
  /** Where `w` saves to; undefined for a built-in recipe, which asks. */
  ownFile: string | undefined;
  suggestedFile: string;
  suggestedExport: string;
  suggestedOutput: string;
  batchTokens: number;
  /** First reason why this design cannot be made. */
  problem: string | undefined;
  /** Reads a tokenizer's name or path: its text for the recipe, or an error with its cure. */
  checkTokenizer: (text: string) => { tokenizer: DesignSettings['tokenizer'] } | { error: string };
}

export function startUi(history: History, model: string): DesignUi {
  return {
    history,
    cursor: 0,
    screen: { kind: 'table' },
    prompt: undefined,
    question: undefined,
    message: undefined,
    speed: undefined,
    model,
  };
}

export function chosenSource(ui: DesignUi) {
  return ui.history.present.sources[ui.cursor]!;
}

export const unsaved = (ui: DesignUi): boolean => isDirty(ui.history);
