/** Pages in a real browser, watched through its debugging protocol: for tests that a page logs, fetches and runs nothing. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export function findBrowser(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((dir) => names.map((name) => join(dir, name)));
  return [process.env.CHROME_PATH, ...onPath].find(
    (path) => path !== undefined && path !== '' && existsSync(path),
  );
}

export interface Opened {
  title: string;
  text: string;
  /** Console messages, uncaught exceptions and what the browser itself logs about the page (a blocked request, a policy). */
  messages: string[];
  /** Addresses the page asked for, besides itself. */
  requests: string[];
  /** Pictures that are laid out with a width and a height. */
  charts: number;
  /** How much wider the page is than the window, in pixels. */
  overflow: number;
}

/** Pages open at a time. */
const together = 4;

/** Opens pages in one browser, a few at a time and each in a tab of its own, watched through its debugging protocol. */
export async function openAll(browser: string, files: readonly string[]): Promise<Opened[]> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const flags =
    `--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --remote-debugging-port=0 --user-data-dir=${profile} about:blank`.split(
      /\s+/,
    );
  const child = spawn(browser, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = new Promise<void>((done) => child.on('close', () => done()));
  try {
    const port = await new Promise<string>((found, failed) => {
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (piece: string) => {
        log += piece;
        const match = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(log);
        if (match) found(match[1]!);
      });
      child.on('close', () => failed(new Error(`the browser ended: ${log.slice(-500)}`)));
    });
    const out: Opened[] = [];
    for (let i = 0; i < files.length; i += together)
      out.push(...(await Promise.all(files.slice(i, i + together).map((file) => openTab(port, file)))));
    return out;
  } finally {
    child.kill();
    await closed;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function openTab(port: string, file: string): Promise<Opened> {
  const tab = await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: 'PUT' });
  const { webSocketDebuggerUrl } = (await tab.json()) as { webSocketDebuggerUrl: string };
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((ready) => socket.addEventListener('open', ready));
  const opened = await openOne(socket, `file://${file}`);
  socket.close();
  return opened;
}

let lastId = 0;

async function openOne(socket: WebSocket, url: string): Promise<Opened> {
  const opened: Opened = { title: '', text: '', messages: [], requests: [], charts: 0, overflow: 0 };
  const answers = new Map<number, (result: unknown) => void>();
  let loaded = (): void => {};
  const load = new Promise<void>((done) => {
    loaded = done;
  });
  const listen = ({ data }: MessageEvent): void => {
    const { id, method, params, result } = JSON.parse(String(data));
    if (id !== undefined) answers.get(id)?.(result);
    if (method === 'Page.loadEventFired') loaded();
    if (method === 'Runtime.consoleAPICalled') opened.messages.push(JSON.stringify(params.args));
    if (method === 'Runtime.exceptionThrown') opened.messages.push(JSON.stringify(params.exceptionDetails));
    if (method === 'Log.entryAdded') opened.messages.push(params.entry.text);
    if (method === 'Network.requestWillBeSent' && params.request.url !== url)
      opened.requests.push(params.request.url);
  };
  socket.addEventListener('message', listen);
  const call = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((answer) => {
      lastId++;
      answers.set(lastId, answer);
      socket.send(JSON.stringify({ id: lastId, method, params }));
    });
  const evaluate = async <T>(expression: string): Promise<T> =>
    ((await call('Runtime.evaluate', { expression, returnByValue: true })) as { result: { value: T } }).result
      .value;
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await call(`${domain}.enable`);
  await call('Page.navigate', { url });
  await load;
  // What a page starts after it has loaded (an image's error handler) comes within this.
  await new Promise((wait) => setTimeout(wait, 700));
  opened.title = await evaluate('document.title');
  opened.text = await evaluate('document.body.innerText');
  opened.charts = await evaluate(
    `[...document.querySelectorAll('[role=img]')].filter((picture) => { const box = picture.getBoundingClientRect(); return box.width > 20 && box.height > 9; }).length`,
  );
  opened.overflow = await evaluate('document.documentElement.scrollWidth - innerWidth');
  socket.removeEventListener('message', listen);
  return opened;
}
