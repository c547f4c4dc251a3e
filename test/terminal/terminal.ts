/**
 * Runs a program under a real pseudo-terminal with an emulated screen, types into it and waits for what it shows.
 *
 * Nothing here sleeps for a fixed time to let a program catch up: every wait is for a condition, is looked at after each piece of
 * output, and fails with a picture of the screen. While the program holds a synchronised update open (mode 2026) the screen is
 * what it was before, as in a terminal that knows the mode. Gives up: East Asian and emoji widths newer than Unicode 6
 * (@xterm/headless), Windows.
 *
 * Source: @lydell/node-pty (node-pty with built binaries), @xterm/headless (the core of xterm.js).
 */
import { spawnSync } from 'node:child_process';
import type { IPty } from '@lydell/node-pty';
import type * as Xterm from '@xterm/headless';
import { FlickerCounter } from './flicker.ts';
import { keyBytes } from './keys.ts';
import { environment, loadPty } from './load-pty.ts';
import { type Cell, framed, screenCells, screenText, scrollbackText } from './screen.ts';

const loaded = loadPty();

/** Why this machine gives no pseudo-terminal; tests skip with it: `describe.skipIf(terminalProblem)`. */
export const terminalProblem: string | undefined = 'problem' in loaded ? loaded.problem : undefined;
if (terminalProblem !== undefined)
  console.warn(`no pseudo-terminal here, its tests are skipped: ${terminalProblem}`);

export interface TerminalOptions {
  command: string;
  args?: readonly string[];
  cwd?: string;
  /** Goes over the tests' environment; `undefined` removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default 80 x 24. */
  columns?: number;
  rows?: number;
  /** How long `waitFor` and the others wait, in milliseconds. Default 20000: the machine may be busy. */
  patienceMs?: number;
  /** True for a program that reads lines, not keys; else the first key waits until the program has turned raw mode on. */
  lineMode?: boolean;
  /** False: as a terminal that does not know synchronised updates. */
  synchronised?: boolean;
}

export type Condition = string | RegExp | ((rows: string[]) => boolean);

export interface Ended {
  /** Exit code, 0 where a signal ended it. */
  code: number;
  signal: number | undefined;
}

const open = new Set<Terminal>();
process.on('exit', () => {
  for (const terminal of open) terminal.kill('SIGKILL');
});

/** Starts a program. Throws where there is no pseudo-terminal (`terminalProblem`). */
export function openTerminal(options: TerminalOptions): Terminal {
  return new Terminal(options);
}

/** Closes every terminal still open; for `afterEach`. */
export async function closeTerminals(): Promise<void> {
  await Promise.all([...open].map((terminal) => terminal.close()));
}

export class Terminal {
  readonly ended: Promise<Ended>;
  private readonly pty: IPty;
  private readonly emulator: Xterm.Terminal;
  private readonly patience: number;
  private readonly synchronised: boolean;
  private readonly flicker = new FlickerCounter();
  private readonly watchers = new Set<() => void>();
  private visible: string[];
  private bytes = 0;
  /** When something was last read, or done to the program that it will answer: quiet is counted from there. */
  private lastRead = performance.now();
  /** When what is on the visible screen arrived. */
  private lastVisibleChange = this.lastRead;
  private pending = 0;
  /** The end of the last read, where an escape sequence may have been cut. */
  private tail = '';
  private over: Ended | undefined;
  /** Whether the program may be waiting for raw mode still. */
  private beforeKeys: boolean;

  constructor(options: TerminalOptions) {
    if ('problem' in loaded) throw new Error(`no pseudo-terminal here: ${loaded.problem}`);
    const { columns = 80, rows = 24 } = options;
    this.patience = options.patienceMs ?? 20_000;
    this.synchronised = options.synchronised ?? true;
    this.beforeKeys = options.lineMode !== true;
    this.emulator = new loaded.Emulator({ cols: columns, rows, allowProposedApi: true, scrollback: 5000 });
    this.visible = screenText(this.emulator);
    this.pty = loaded.pty.spawn(options.command, [...(options.args ?? [])], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      cwd: options.cwd ?? process.cwd(),
      env: environment(options.env),
      // Bytes, not text: a read may end inside of a character.
      encoding: null,
    });
    this.pty.onData((data) => this.read(data as unknown as Buffer));
    // The emulator answers questions of the program (cursor position, device attributes).
    this.emulator.onData((answer) => this.over === undefined && this.pty.write(answer));
    open.add(this);
    this.ended = new Promise((resolve) => {
      this.pty.onExit(({ exitCode, signal }) => {
        const ended = { code: exitCode, signal: signal === 0 ? undefined : signal };
        // After everything that was read has been put on the screen.
        this.emulator.write('', () => {
          this.over = ended;
          open.delete(this);
          this.tell();
          resolve(ended);
        });
      });
    });
  }

  get columns(): number {
    return this.emulator.cols;
  }

  get rows(): number {
    return this.emulator.rows;
  }

  get pid(): number {
    return this.pty.pid;
  }

  /** Bytes the program has written so far. */
  get bytesWritten(): number {
    return this.bytes;
  }

  /** How often the screen lost most of its characters for a moment (flicker.ts). */
  get blankFrames(): number {
    return this.flicker.count;
  }

  get alternateScreen(): boolean {
    return this.emulator.buffer.active.type === 'alternate';
  }

  /** Rows of the visible screen, top first, without trailing blanks. */
  screen(): string[] {
    return [...this.visible];
  }

  /** The visible screen as one text. */
  text(): string {
    return this.visible.join('\n');
  }

  /** As `screen`, with what scrolled off above it. */
  scrollback(): string[] {
    return scrollbackText(this.emulator);
  }

  cells(): Cell[][] {
    return screenCells(this.emulator);
  }

  /** Row and column of the cursor, from 0. */
  cursor(): { row: number; column: number } {
    const { cursorY, cursorX } = this.emulator.buffer.active;
    return { row: cursorY, column: cursorX };
  }

  /** Presses keys by name (keys.ts), one write each. After `esc` it waits, since an escape followed by a key at once is another key. */
  async press(...keys: string[]): Promise<void> {
    if (this.beforeKeys && !keys.every((key) => key.startsWith('ctrl+'))) await this.rawMode();
    for (const [i, key] of keys.entries()) {
      this.flicker.accept(this.visible);
      this.send(keyBytes(key, this.emulator.modes.applicationCursorKeysMode));
      if (/^esc(ape)?$/.test(key) && i + 1 < keys.length) await this.afterEscape();
    }
  }

  /** Types text, a character at a time. */
  async type(text: string): Promise<void> {
    if (this.beforeKeys) await this.rawMode();
    this.flicker.accept(this.visible);
    for (const character of text) this.send(character);
  }

  /** Pastes: in one write, bracketed where the program asked for that. */
  async paste(text: string): Promise<void> {
    if (this.beforeKeys) await this.rawMode();
    this.send(this.emulator.modes.bracketedPasteMode ? `\x1b[200~${text}\x1b[201~` : text);
  }

  /** Waits until the visible screen shows this. Fails with the screen when it does not, or when the program ends first. */
  async waitFor(condition: Condition, ms = this.patience): Promise<void> {
    const holds = (): boolean => {
      const rows = this.visible;
      if (typeof condition === 'function') return condition([...rows]);
      const text = rows.join('\n');
      return typeof condition === 'string' ? text.includes(condition) : condition.test(text);
    };
    await this.until(holds, ms, () => `the screen never showed ${String(condition)}`);
  }

  /** Waits until nothing has been written for `quietMs`. */
  async quiet(quietMs = 50, ms = this.patience): Promise<void> {
    const isQuiet = (): boolean => this.pending === 0 && performance.now() - this.lastRead >= quietMs;
    await this.until(isQuiet, ms, () => `the program never stopped writing for ${quietMs} ms`, quietMs);
    // What has stood for a while is meant so; a shorter silence may lie between erasing and drawing.
    if (quietMs >= 50) this.flicker.accept(this.visible);
  }

  /**
   * Presses a key and measures milliseconds from the write to the last byte of the frame that answers it: the screen differs (or
   * `until` holds), and nothing comes for `quietMs`, which are not counted.
   */
  async latency(
    key: string,
    { until, quietMs = 12 }: { until?: Condition; quietMs?: number } = {},
  ): Promise<number> {
    await this.quiet();
    const before = this.text();
    const start = performance.now();
    await this.press(key);
    await this.waitFor(until ?? ((rows) => rows.join('\n') !== before));
    const answered = this.lastVisibleChange;
    // With a condition the rest of the output is other frames (a clock, a curve).
    if (until !== undefined) return answered - start;
    await this.quiet(quietMs);
    return this.lastVisibleChange - start;
  }

  /** Changes the window's size: the program gets SIGWINCH. */
  resize(columns: number, rows: number): void {
    this.emulator.resize(columns, rows);
    if (this.over === undefined) this.pty.resize(columns, rows);
    this.visible = screenText(this.emulator);
    this.flicker.accept(this.visible);
    this.lastRead = performance.now();
  }

  /** Stops reading, as a terminal that is stuck; the program's writes fill the kernel's buffer and then block. */
  pauseReading(): void {
    this.pty.pause();
  }

  resumeReading(): void {
    this.pty.resume();
    this.lastRead = performance.now();
  }

  /** Sends a signal to the program and what it started. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (this.over !== undefined) return;
    try {
      process.kill(-this.pty.pid, signal);
    } catch {
      // It has ended already.
    }
  }

  /** Hangs up as a closed window does, kills what does not go, and waits for the end. */
  async close(graceMs = 1000): Promise<Ended> {
    this.pty.resume();
    this.kill('SIGHUP');
    const killer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    const ended = await this.ended;
    clearTimeout(killer);
    this.emulator.dispose();
    return ended;
  }

  private send(text: string): void {
    if (this.over !== undefined)
      throw new Error(`the program has ended (code ${this.over.code}) and takes no keys:\n${this.picture()}`);
    this.pty.write(text);
  }

  /**
   * Waits until the program reads keys: what is typed before that is echoed by the kernel and held until a line ends, and an Ink
   * program turns raw mode on only after its first frame.
   */
  private async rawMode(): Promise<void> {
    const { ptsName } = this.pty as unknown as { ptsName: string };
    const isRaw = (): boolean => {
      const { stdout, status } = spawnSync(
        'stty',
        [process.platform === 'darwin' ? '-f' : '-F', ptsName, '-a'],
        {
          encoding: 'utf8',
        },
      );
      return status !== 0 || /-icanon\b/.test(stdout);
    };
    await this.until(
      isRaw,
      this.patience,
      () => 'the program never asked for keys (lineMode if it reads lines)',
      20,
    );
    this.beforeKeys = false;
  }

  /** Escape alone is told from a sequence by a pause; what is drawn within it says that the program has seen it. */
  private async afterEscape(): Promise<void> {
    const bytes = this.bytes;
    await this.until(() => this.bytes > bytes, 120, undefined);
  }

  private read(data: Buffer): void {
    const now = performance.now();
    this.lastRead = now;
    this.bytes += data.length;
    const pieces = this.split(data);
    for (const [i, piece] of pieces.entries()) {
      this.pending++;
      this.emulator.write(piece, () => {
        this.pending--;
        this.look(now, i + 1 === pieces.length);
      });
    }
  }

  /** Cuts a read at each sequence that erases, or begins or ends an update, so that the screen is looked at there. */
  private split(data: Buffer): Buffer[] {
    const text = this.tail + data.toString('latin1');
    const skip = this.tail.length;
    const cuts: number[] = [];
    for (const match of text.matchAll(/\x1b(?:\[\??[\d;]*[JKMX]|\[\?[\d;]*[hl]|c)/g)) {
      const end = match.index + match[0].length - skip;
      // Before it lies the frame that it erases.
      for (const at of match[0].endsWith('K') ? [end] : [match.index - skip, end])
        if (at > (cuts.at(-1) ?? 0) && at < data.length) cuts.push(at);
    }
    this.tail = /\x1b(?:\[\??[\d;]{0,12})?$/.exec(text)?.[0] ?? '';
    const edges = [0, ...cuts, data.length];
    return edges.slice(1).map((end, i) => data.subarray(edges[i], end));
  }

  private look(now: number, boundary: boolean): void {
    if (!(this.synchronised && this.emulator.modes.synchronizedOutputMode)) {
      this.visible = screenText(this.emulator);
      this.flicker.see(this.visible, now, boundary);
      this.lastVisibleChange = now;
    }
    if (boundary) this.tell();
  }

  private tell(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  /** Resolves once `holds`; looked at after output, and every `everyMs` if given. Without a message it gives up silently. */
  private until(
    holds: () => boolean,
    ms: number,
    problem: (() => string) | undefined,
    everyMs?: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        this.watchers.delete(look);
        clearTimeout(timer);
        clearInterval(ticker);
        if (error === undefined) resolve();
        else reject(error);
      };
      const fail = (why: string): void =>
        finish(problem === undefined ? undefined : new Error(`${problem()} ${why}:\n${this.picture()}`));
      const look = (): void => {
        try {
          if (holds()) finish();
          else if (this.over !== undefined && everyMs === undefined)
            fail(
              `before the program ended (code ${this.over.code}${this.over.signal ? `, signal ${this.over.signal}` : ''})`,
            );
        } catch (error) {
          finish(error as Error);
        }
      };
      const timer = setTimeout(() => fail(`within ${ms} ms`), ms);
      const ticker = everyMs === undefined ? undefined : setInterval(look, Math.max(1, everyMs / 4));
      this.watchers.add(look);
      look();
    });
  }

  private picture(): string {
    return framed(this.visible, this.columns);
  }
}
