/**
 * The mixture designer on a terminal (Ink, alternate screen): turns keys into states (design-keys.ts), states into lines (design-screen.ts)
 * and wishes into what design-session.ts does. The plan on the screen is always the one `mix` would carry out.
 *
 * Only the lines that changed are written, in one synchronised piece, so nothing flickers (screen-writer.ts says why Ink does not draw them);
 * slow work is in threads and processes of its own, so no key waits for it.
 */
import { render, useApp, useInput, usePaste, useStdout, useWindowSize } from 'ink';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { SourceSize } from '../../mixtures/plan.ts';
import { atExit } from '../core/cleanup.ts';
import { messageOf, UserError } from '../core/errors.ts';
import { sampleSource } from '../stages/sample-source.ts';
import { sizeSources } from '../stages/size-sources.ts';
import { drawScreen, pagesOf, type Samples } from './design-draw.ts';
import { type Press, paste, pressKey } from './design-keys.ts';
import { type Colours, lineWidth, paint, trimEnd } from './design-line.ts';
import { pressesOf } from './design-presses.ts';
import { openPrompt, speedText } from './design-prompts.ts';
import type { DesignSession } from './design-session.ts';
import { adapterSpeed } from './design-speed.ts';
import { type DesignUi, type Effect, type Surroundings, unsaved } from './design-state.ts';
import { textRows } from './design-text-screens.ts';
import type { DesignView } from './design-view.ts';
import { ScreenWriter } from './screen-writer.ts';

/** How the designer was left. */
export type DesignEnd =
  | { kind: 'quit' }
  | { kind: 'interrupted'; recovered: string | undefined }
  | { kind: 'mix'; output: string };

export interface DesignStart {
  session: DesignSession;
  ui: DesignUi;
  colours: Colours;
  /** Recipes to compare with. */
  recipes: readonly { name: string; description: string }[];
  notices: readonly string[];
  /** Asked to end from outside (SIGTERM): keeps what is not saved. */
  signal: AbortSignal;
}

/** Opens the designer and waits for its end; the terminal is as before by then. */
export async function openDesigner(
  start: DesignStart,
  { stdin, stdout }: { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream },
): Promise<DesignEnd> {
  const app = render(<DesignApp start={start} />, {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    alternateScreen: true,
    interactive: true,
    maxFps: 60,
  });
  return ((await app.waitUntilExit()) as DesignEnd | undefined) ?? { kind: 'quit' };
}

/** Documents of a sample, and characters of each. */
const sampleDocuments = 20;
const sampleCharacters = 20_000;

function DesignApp({ start }: { start: DesignStart }) {
  const { session, recipes } = start;
  const { exit } = useApp();
  const terminal = useWindowSize();
  const columns = Math.max(20, terminal.columns);
  // A frame as high as the terminal would scroll it.
  const rows = Math.max(8, terminal.rows - 1);
  const [ui, setUi] = useState(start.ui);
  const [sizes, setSizes] = useState<Readonly<Record<string, SourceSize>>>(session.cardSizes);
  const [counting, setCounting] = useState<ReadonlySet<string>>(new Set());
  const [sizeNotices, setSizeNotices] = useState<readonly string[]>([]);
  const [tokenizerNote, setTokenizerNote] = useState<string>();
  const [samples, setSamples] = useState<Samples>();
  /** Several keys may come before the next frame: each must see what the one before it did. */
  const latest = useRef(ui);
  const change = (next: DesignUi | ((now: DesignUi) => DesignUi)): void => {
    latest.current = typeof next === 'function' ? next(latest.current) : next;
    setUi(latest.current);
  };

  const design = ui.history.present;
  const plan = useMemo(() => session.plan(design, sizes), [session, design, sizes]);
  const estimate = useMemo(
    () => session.estimate(design, plan, ui.model, ui.speed),
    [session, design, plan, ui.model, ui.speed],
  );
  const batch = session.batchTokens(design, plan);
  const view: DesignView = {
    name: session.recipe.name,
    file: session.fileName,
    builtIn: session.ownFile === undefined,
    unsaved: unsaved(ui),
    undoable: ui.history.past.length,
    redoable: ui.history.future.length,
    design,
    plan,
    estimate,
    batchTokens: batch.tokens,
    batchAssumed: batch.assumed,
    model: ui.model,
    speed: ui.speed?.label,
    sizes,
    counting,
    notices: [...sizeNotices, ...(tokenizerNote === undefined ? [] : [tokenizerNote]), ...start.notices],
  };
  const drawn = drawScreen({ ui, view, session, samples, recipes, size: { columns, rows } });

  // Sizes are counted again for another tokenizer, also after an undo.
  const tokenizer = design.settings.tokenizer;
  useEffect(() => {
    const here = session.resolved.filter((s) => s.data.kind !== 'missing').map((s) => s.name);
    if (here.length === 0) return;
    const stop = new AbortController();
    setCounting(new Set(here));
    setSizeNotices([]);
    setTokenizerNote(undefined);
    const loaded = { ...session.loaded, recipe: { ...session.recipe, tokenizer } };
    const problems = new Map<string, string>();
    sizeSources(loaded, {
      cwd: session.cwd,
      signal: stop.signal,
      onSize: (name, size, detail, final) => {
        if (stop.signal.aborted) return;
        setSizes((now) => ({ ...now, [name]: size }));
        if (final) setCounting((now) => new Set([...now].filter((other) => other !== name)));
        if (detail.problem !== undefined && problems.get(name) !== detail.problem) {
          problems.set(name, detail.problem);
          setSizeNotices([...problems].map(([source, problem]) => `${source}: ${problem}`));
        }
      },
      onTokenizer: (note) => {
        if (!stop.signal.aborted) setTokenizerNote(note);
      },
    })
      .catch((error: unknown) => {
        if (!stop.signal.aborted)
          setSizeNotices([`sizes are those of the data cards: ${problemText(error)}`]);
      })
      .finally(() => {
        if (!stop.signal.aborted) setCounting(new Set());
      });
    return () => stop.abort();
  }, [session, tokenizer]);

  // Documents of the source that is looked at.
  const sampled = ui.screen.kind === 'samples' ? ui.screen.source : undefined;
  useEffect(() => {
    if (sampled === undefined) return;
    const resolved = session.resolved.find(({ name }) => name === sampled)!;
    setSamples({ source: sampled, documents: undefined, problem: undefined });
    const stop = new AbortController();
    const seed = latest.current.history.present.settings.seed;
    sampleSource(resolved, {
      count: sampleDocuments,
      seed,
      maxCharacters: sampleCharacters,
      signal: stop.signal,
    }).then(
      (documents) => {
        if (!stop.signal.aborted) setSamples({ source: sampled, documents, problem: undefined });
      },
      (error: unknown) => {
        if (!stop.signal.aborted)
          setSamples({ source: sampled, documents: undefined, problem: problemText(error) });
      },
    );
    return () => stop.abort();
  }, [session, sampled]);

  const leave = (end: DesignEnd): void => exit(end);

  // Whoever ends the process: what is not saved is kept.
  useEffect(() => {
    let left = false;
    const forget = atExit(() => {
      if (!left) keepUnsaved(session, latest.current);
    });
    const onAbort = (): void =>
      exit({ kind: 'interrupted', recovered: keepUnsaved(session, latest.current) });
    if (start.signal.aborted) onAbort();
    start.signal.addEventListener('abort', onAbort);
    // The window was closed.
    process.once('SIGHUP', onAbort);
    return () => {
      left = true;
      forget();
      process.off('SIGHUP', onAbort);
      start.signal.removeEventListener('abort', onAbort);
    };
  }, [session, start.signal, exit]);

  const measuring = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => measuring.current?.abort(), []);
  const measure = (): void => {
    measuring.current?.abort();
    const stop = new AbortController();
    measuring.current = stop;
    adapterSpeed(stop.signal).then(
      ({ flopsPerSecond, adapter, utilisation }) => {
        if (stop.signal.aborted) return;
        const label = `${speedText(flopsPerSecond)} (${adapter})`;
        change((now) => ({ ...now, speed: { flopsPerSecond, label, utilisation } }));
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        const text = `the adapter could not be measured: ${problemText(error)}`;
        change((now) => ({ ...now, speed: undefined, message: { text, tone: 'warn' } }));
      },
    );
  };

  const save = async (effect: Extract<Effect, { kind: 'save' }>): Promise<void> => {
    const saving = latest.current.history;
    try {
      const result = await session.save(saving.present, effect.path, effect.force);
      if (result.kind !== 'saved') {
        const kind = result.kind === 'exists' ? 'overwrite' : 'changed-on-disk';
        change((now) => ({ ...now, question: { kind, path: result.path, after: effect.after } }));
        return;
      }
      // What was written is what was there when saving began; keys may have come since.
      change((now) => ({
        ...now,
        history: { ...now.history, saved: saving.present, series: undefined },
        message: { text: `saved ${session.fileName}`, tone: 'plain' },
      }));
      if (effect.after === 'quit') leave({ kind: 'quit' });
      if (effect.after === 'mix') change((now) => openPrompt(now, 'mix', around(now)));
    } catch (error) {
      change((now) => ({ ...now, message: { text: problemText(error), tone: 'warn' } }));
    }
  };

  const exportPlan = async (path: string): Promise<void> => {
    try {
      const { history, model, speed } = latest.current;
      const content = session.exported(history.present, sizes, model, speed);
      const file = await session.export(content, path);
      change((now) => ({ ...now, message: { text: `wrote ${file}: ${content.command}`, tone: 'plain' } }));
    } catch (error) {
      change((now) => ({ ...now, message: { text: problemText(error), tone: 'warn' } }));
    }
  };

  const perform = (effect: Effect): void => {
    if (effect.kind === 'save') void save(effect);
    else if (effect.kind === 'export') void exportPlan(effect.path);
    else if (effect.kind === 'measure') measure();
    else if (effect.kind === 'mix') leave({ kind: 'mix', output: effect.output });
    else if (effect.how === 'interrupted')
      leave({ kind: 'interrupted', recovered: keepUnsaved(session, latest.current) });
    else leave({ kind: 'quit' });
  };

  const around = (now: DesignUi): Surroundings => {
    const problem = session.plan(now.history.present, sizes).problems[0];
    return {
      page: now.screen.kind === 'table' ? rows : textRows({ columns, rows }),
      lines: drawn.lines,
      pages: pagesOf(now, samples),
      recipes: recipes.map(({ name }) => name),
      models: session.models.map(({ name }) => name),
      ownFile: session.ownFile,
      suggestedFile: session.ownFile === undefined ? './mixture.yaml' : session.fileName,
      suggestedExport: `./${session.recipe.name}-plan.json`,
      suggestedOutput: `runs/${session.recipe.name}-mix`,
      batchTokens: session.batchTokens(now.history.present, plan).tokens,
      problem: problem === undefined ? undefined : `${problem.text}; ${problem.cure}`,
      checkTokenizer: (text) => session.checkTokenizer(text),
    };
  };

  const press = (pressed: Press): void => {
    const { ui: next, effect } = pressKey(latest.current, pressed, around(latest.current));
    change(next);
    if (effect !== undefined) perform(effect);
  };
  useInput((input, key) => {
    const presses = pressesOf(input, key);
    if (presses === 'paste') change(paste(latest.current, input));
    else for (const pressed of presses) press(pressed);
  });
  usePaste((text) => change(paste(latest.current, text)));

  const { stdout } = useStdout();
  const writer = useMemo(() => new ScreenWriter(stdout), [stdout]);
  useLayoutEffect(() => {
    const lines = drawn.screen.map((line) => {
      const shown = trimEnd(line);
      return { text: paint(shown, start.colours), width: lineWidth(shown) };
    });
    writer.draw(lines, columns, rows + 1);
  });
  return null;
}

/** Writes what is not saved to a recovery file and returns its path. */
function keepUnsaved(session: DesignSession, ui: DesignUi): string | undefined {
  return unsaved(ui) ? session.recover(ui.history.present) : undefined;
}

function problemText(error: unknown): string {
  const hint = error instanceof UserError ? error.hint : undefined;
  return `${messageOf(error).replaceAll('\n', ' ')}${hint === undefined ? '' : `; ${hint}`}`;
}
