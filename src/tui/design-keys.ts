/** Keys of the designer: from a state and a press to the next state, and to what the outside should do. Pure. */
import { type DesignAction, percentText, sourceOf } from '../../mixtures/design/actions.ts';
import { whole } from '../../mixtures/design/design.ts';
import { endSeries, nudge, perform, redo, undo } from '../../mixtures/design/history.ts';
import { type Edit, editText, openPrompt, submit, type Typed, typeText } from './design-prompts.ts';
import {
  type AfterSave,
  chosenSource,
  type DesignUi,
  type Field,
  type Question,
  type Screen,
  type Surroundings,
  unsaved,
} from './design-state.ts';

/** A key: a character, or `up`, `down`, `left`, `right`, `pageup`, `pagedown`, `home`, `end`, `enter`, `escape`, `backspace`, `delete`, `tab`. */
export interface Press {
  key: string;
  ctrl?: boolean;
  shift?: boolean;
}

const coarse = whole / 100;
const fine = whole / 1000;

/** Keys that open a line to type into. */
const fields: Readonly<Record<string, Field>> = {
  Q: 'qa',
  C: 'long-cot',
  I: 'instruction',
  b: 'budget',
  s: 'sequenceLength',
  t: 'batchTokens',
  k: 'tokenizer',
  e: 'seed',
  R: 'repeatLimit',
  M: 'model',
  A: 'speed',
  S: 'save',
  x: 'export',
};

export function pressKey(ui: DesignUi, press: Press, around: Surroundings): Typed {
  if (press.ctrl === true && press.key === 'c') return interrupt(ui);
  if (ui.question !== undefined) return answer(ui, ui.question, press, around);
  if (ui.prompt !== undefined) return typed(ui, press, around);
  const said = ui.message === undefined ? ui : { ...ui, message: undefined };
  if (ui.screen.kind === 'table') return onTable(said, press, around);
  return { ui: onScreen(said, ui.screen, press, around) };
}

/** Pasted text: into a line that is being typed, and nowhere else. */
export function paste(ui: DesignUi, text: string): DesignUi {
  if (ui.prompt !== undefined) return { ...ui, prompt: typeText(ui.prompt, text) };
  return {
    ...ui,
    message: {
      text: 'pasted text was not taken; press a key that opens a line first (b, s, k, w, ...)',
      tone: 'warn',
    },
  };
}

function interrupt(ui: DesignUi): Typed {
  if (!unsaved(ui) || ui.question?.kind === 'interrupt')
    return { ui, effect: { kind: 'leave', how: 'interrupted' } };
  return { ui: { ...ui, prompt: undefined, question: { kind: 'interrupt' } } };
}

function answer(ui: DesignUi, question: Question, { key }: Press, around: Surroundings): Typed {
  const stay: DesignUi = { ...ui, question: undefined };
  if (key === 'escape' || key === 'n') return { ui: stay };
  switch (question.kind) {
    case 'quit':
    case 'interrupt':
      if (key === 's' || key === 'w') return save(stay, around, 'quit');
      if (key === 'd')
        return {
          ui: stay,
          effect: { kind: 'leave', how: question.kind === 'quit' ? 'quit' : 'interrupted' },
        };
      return { ui };
    case 'overwrite':
    case 'changed-on-disk':
      if (key === 'o' || key === 'y')
        return {
          ui: stay,
          effect: { kind: 'save', path: question.path, force: true, after: question.after },
        };
      if (key === 's' || key === 'S') {
        const open = openPrompt(stay, 'save', around);
        return { ui: { ...open, prompt: { ...open.prompt!, after: question.after } } };
      }
      return { ui };
    case 'mix-unsaved':
      return key === 's' || key === 'w' ? save(stay, around, 'mix') : { ui };
  }
}

function save(ui: DesignUi, around: Surroundings, after: AfterSave): Typed {
  if (around.ownFile !== undefined)
    return { ui, effect: { kind: 'save', path: undefined, force: false, after } };
  const open = openPrompt(ui, 'save', around);
  return { ui: { ...open, prompt: { ...open.prompt!, after } } };
}

const edits: Readonly<Record<string, Edit>> = {
  left: 'left',
  right: 'right',
  home: 'home',
  end: 'end',
  backspace: 'backspace',
  delete: 'delete',
};

function typed(ui: DesignUi, press: Press, around: Surroundings): Typed {
  const prompt = ui.prompt!;
  if (press.key === 'escape') return { ui: { ...ui, prompt: undefined } };
  if (press.key === 'enter') return submit(ui, around);
  const edit =
    press.ctrl === true
      ? { u: 'clear' as const, a: 'home' as const, e: 'end' as const, h: 'backspace' as const }[press.key]
      : edits[press.key];
  if (edit !== undefined) return { ui: { ...ui, prompt: editText(prompt, edit) } };
  if (press.ctrl === true || [...press.key].length !== 1) {
    // Up and down on a share leave the line as they would leave a cell of a table.
    return { ui };
  }
  return { ui: { ...ui, prompt: typeText(prompt, press.key) } };
}

function onTable(ui: DesignUi, press: Press, around: Surroundings): Typed {
  const { key } = press;
  if (press.ctrl === true) return withControl(ui, key, around);
  const { sources, giveWay, settings } = ui.history.present;
  const source = chosenSource(ui);
  const rows = Math.max(1, around.page - 12);
  switch (key) {
    case 'up':
      return { ui: moveTo(ui, ui.cursor - 1) };
    case 'down':
      return { ui: moveTo(ui, ui.cursor + 1) };
    case 'pageup':
      return { ui: moveTo(ui, ui.cursor - rows) };
    case 'pagedown':
      return { ui: moveTo(ui, ui.cursor + rows) };
    case 'home':
      return { ui: moveTo(ui, 0) };
    case 'end':
      return { ui: moveTo(ui, sources.length - 1) };
    case 'right':
    case 'left':
      return { ui: step(ui, (key === 'right' ? 1 : -1) * (press.shift === true ? fine : coarse)) };
    case '.':
    case '>':
      return { ui: step(ui, fine) };
    case ',':
    case '<':
      return { ui: step(ui, -fine) };
    case '+':
      return { ui: step(ui, coarse) };
    case '-':
      return { ui: step(ui, -coarse) };
    case 'enter':
      return { ui: startTyping(ui, around, undefined) };
    case 'l':
      return {
        ui: say(
          doing(ui, { kind: 'lock', source: source.name }),
          source.locked
            ? `${source.name} gives way again`
            : `${source.name} stays at ${percentText(source.share)} whatever moves`,
        ),
      };
    case 'L':
      return { ui: doing(ui, { kind: 'unlock-all' }) };
    case ' ':
      return { ui: doing(ui, { kind: 'toggle', source: source.name }) };
    case 'f':
      return {
        ui: doing(
          ui,
          { kind: 'fill', source: source.name },
          `${source.name} is the fill source now: it gives way first`,
        ),
      };
    case 'p': {
      const next = giveWay === 'fill-first' ? 'in-proportion' : 'fill-first';
      return {
        ui: doing(
          ui,
          { kind: 'give-way', giveWay: next },
          next === 'fill-first'
            ? 'the fill source gives way first, then the others in proportion'
            : 'all unlocked sources give way in proportion',
        ),
      };
    }
    case 'r':
      return {
        ui: doing(
          ui,
          { kind: 'share', source: source.name, share: source.opened },
          `${source.name} is back at ${percentText(source.opened)}`,
        ),
      };
    case 'P':
      return {
        ui: doing(ui, {
          kind: 'settings',
          settings: { packing: settings.packing === 'concatenate' ? 'best-fit' : 'concatenate' },
        }),
      };
    case 'u':
      return { ui: goBack(ui) };
    case 'U':
      return { ui: goForth(ui) };
    case 'a':
      return {
        ui: {
          ...ui,
          speed: { flopsPerSecond: undefined, label: 'measuring this adapter ...', utilisation: undefined },
        },
        effect: { kind: 'measure' },
      };
    case 'c':
      return { ui: { ...ui, screen: { kind: 'choose', at: 0 } } };
    case 'v':
      return { ui: { ...ui, screen: { kind: 'samples', source: source.name, at: 0, top: 0 } } };
    case '!':
      return { ui: { ...ui, screen: { kind: 'complaints', top: 0 } } };
    case '?':
      return { ui: { ...ui, screen: { kind: 'help', top: 0 } } };
    case 'w':
      return unsaved(ui) || around.ownFile === undefined
        ? save(ui, around, 'stay')
        : {
            ui: {
              ...ui,
              message: {
                text: 'nothing to save: the file says this already (S saves elsewhere)',
                tone: 'plain',
              },
            },
          };
    case 'm':
      if (around.problem !== undefined)
        return { ui: { ...ui, message: { text: `cannot be made: ${around.problem}`, tone: 'warn' } } };
      return {
        ui: unsaved(ui) ? { ...ui, question: { kind: 'mix-unsaved' } } : openPrompt(ui, 'mix', around),
      };
    case 'q':
      return unsaved(ui)
        ? { ui: { ...ui, question: { kind: 'quit' } } }
        : { ui, effect: { kind: 'leave', how: 'quit' } };
    case 'escape':
      return { ui };
  }
  if (/^[\d]$/.test(key)) return { ui: startTyping(ui, around, key) };
  const field = fields[key];
  if (field !== undefined)
    return { ui: openPrompt({ ...ui, history: endSeries(ui.history) }, field, around) };
  return [...key].length === 1
    ? { ui: { ...ui, message: { text: `no key "${key}" here; ? lists the keys`, tone: 'plain' } } }
    : { ui };
}

function withControl(ui: DesignUi, key: string, around: Surroundings): Typed {
  if (key === 'r' || key === 'y') return { ui: goForth(ui) };
  if (key === 'z') return { ui: goBack(ui) };
  if (key === 's') return onTable(ui, { key: 'w' }, around);
  return { ui };
}

function startTyping(ui: DesignUi, around: Surroundings, first: string | undefined): DesignUi {
  const { name, locked, enabled } = chosenSource(ui);
  if (locked) return { ...ui, message: { text: `${name} is locked; l unlocks it`, tone: 'warn' } };
  if (!enabled) return { ...ui, message: { text: `${name} is off; space switches it on`, tone: 'warn' } };
  return openPrompt({ ...ui, history: endSeries(ui.history) }, 'share', around, first);
}

function moveTo(ui: DesignUi, to: number): DesignUi {
  const cursor = Math.max(0, Math.min(ui.history.present.sources.length - 1, to));
  return cursor === ui.cursor ? ui : { ...ui, cursor, history: endSeries(ui.history) };
}

/** One press: the share moves by `by`, as far as the others can give way. */
function step(ui: DesignUi, by: number): DesignUi {
  const { name } = chosenSource(ui);
  const done = nudge(ui.history, name, by);
  return { ...ui, history: done.history, message: messageOf(done) };
}

function doing(ui: DesignUi, action: DesignAction, success?: string): DesignUi {
  const done = perform(ui.history, action);
  const message = messageOf(done);
  if (message !== undefined || success === undefined || done.history === ui.history)
    return { ...ui, history: done.history, message };
  return { ...ui, history: done.history, message: { text: success, tone: 'plain' } };
}

function say(ui: DesignUi, text: string): DesignUi {
  return ui.message === undefined ? { ...ui, message: { text, tone: 'plain' } } : ui;
}

function messageOf({ message, refused }: { message?: string; refused?: boolean }): DesignUi['message'] {
  return message === undefined ? undefined : { text: message, tone: refused === true ? 'warn' : 'plain' };
}

function goBack(ui: DesignUi): DesignUi {
  return ui.history.past.length === 0
    ? { ...ui, message: { text: 'nothing to undo', tone: 'plain' } }
    : followChange(ui, { ...ui, history: undo(ui.history) }, 'undone');
}

function goForth(ui: DesignUi): DesignUi {
  return ui.history.future.length === 0
    ? { ...ui, message: { text: 'nothing to redo', tone: 'plain' } }
    : followChange(ui, { ...ui, history: redo(ui.history) }, 'redone');
}

/** Says what an undo or redo changed. */
function followChange(before: DesignUi, after: DesignUi, verb: string): DesignUi {
  const [from, to] = [before.history.present, after.history.present];
  const moved = to.sources.filter((s) => sourceOf(from, s.name)?.share !== s.share);
  const setting = (Object.keys(to.settings) as (keyof typeof to.settings)[]).find(
    (key) => to.settings[key] !== from.settings[key],
  );
  const what =
    moved.length > 0
      ? `${moved[0]!.name} at ${percentText(moved[0]!.share)}${moved.length > 1 ? ` and ${moved.length - 1} more` : ''}`
      : setting !== undefined
        ? setting
        : 'locks and switches';
  return { ...after, message: { text: `${verb}: ${what}`, tone: 'plain' } };
}

/** Screens of text: scrolling, pages, and the way back. */
function onScreen(ui: DesignUi, screen: Screen, { key }: Press, around: Surroundings): DesignUi {
  const home: DesignUi = { ...ui, screen: { kind: 'table' } };
  if (key === 'escape' || key === 'q') return home;
  if (screen.kind === 'choose') {
    const { recipes } = around;
    const to = (at: number): DesignUi => ({
      ...ui,
      screen: { kind: 'choose', at: Math.max(0, Math.min(recipes.length - 1, at)) },
    });
    if (key === 'up') return to(screen.at - 1);
    if (key === 'down') return to(screen.at + 1);
    if (key === 'home') return to(0);
    if (key === 'end') return to(recipes.length - 1);
    if (key === 'enter' || key === ' ')
      return { ...ui, screen: { kind: 'compare', name: recipes[screen.at]!, top: 0 } };
    return key === 'c' ? home : ui;
  }
  if (screen.kind === 'table') return ui;
  const last = Math.max(0, around.lines - around.page);
  const scroll = (top: number): DesignUi => ({
    ...ui,
    screen: { ...screen, top: Math.max(0, Math.min(last, top)) },
  });
  const top = Math.min(screen.top, last);
  if (key === 'up') return scroll(top - 1);
  if (key === 'down') return scroll(top + 1);
  if (key === 'pageup' || key === 'b') return scroll(top - around.page);
  if (key === 'pagedown' || key === ' ') return scroll(top + around.page);
  if (key === 'home' || key === 'g') return scroll(0);
  if (key === 'end' || key === 'G') return scroll(last);
  if (screen.kind === 'samples') {
    const turn = (at: number): DesignUi => ({
      ...ui,
      screen: { ...screen, at: Math.max(0, Math.min(around.pages - 1, at)), top: 0 },
    });
    if (key === 'right' || key === 'n') return turn(screen.at + 1);
    if (key === 'left' || key === 'p') return turn(screen.at - 1);
    return key === 'v' ? home : ui;
  }
  if (screen.kind === 'compare' && key === 'c')
    return { ...ui, screen: { kind: 'choose', at: Math.max(0, around.recipes.indexOf(screen.name)) } };
  if ((screen.kind === 'help' && key === '?') || (screen.kind === 'complaints' && key === '!')) return home;
  return ui;
}
