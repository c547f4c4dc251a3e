/**
 * Pages through the documents of a filter run on a terminal (Ink, alternate screen): header, text, and the signals with their margins.
 *
 * Everything drawn is a list of rows cut to the width of the terminal (inspect-rows.ts), so that the frame has the terminal's height whatever
 * a document holds; foreign text goes through visible-text.ts and can neither move the cursor nor hide. Works from 60 x 12 on.
 */
import { Box, render, Text, useApp, useInput, useWindowSize } from 'ink';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ClusterMember, RunDocument, RunDocuments } from '../stages/run-documents.ts';
import { headerRows, memberRows, type Row, signalRows, type Tone } from './inspect-rows.ts';
import { cutTo, visibleLine, visibleText, wrapText } from './visible-text.ts';

/** What the view asks of the documents. */
export type DocumentSource = Pick<
  RunDocuments,
  | 'documents'
  | 'reasons'
  | 'tokensExact'
  | 'list'
  | 'byMargin'
  | 'document'
  | 'search'
  | 'members'
  | 'clustered'
>;

export interface InspectStart {
  /** `all`, `kept`, `dropped` or a reason. */
  filter?: string;
  search?: string;
  byMargin?: boolean;
  /** Dedup steps: only documents that have copies, cluster by cluster, the largest first, each shown with its copies. */
  clusters?: readonly string[];
}

/** Opens the view and waits for its end. */
export async function openInspect(
  source: DocumentSource,
  start: InspectStart,
  { stdin, stdout }: { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream },
): Promise<'quit' | 'interrupted'> {
  const app = render(<InspectApp source={source} start={start} />, {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    alternateScreen: true,
    interactive: true,
  });
  return ((await app.waitUntilExit()) as 'quit' | 'interrupted' | undefined) ?? 'quit';
}

type Panel = 'text' | 'signals' | 'copies';

/** Characters of a text that are laid out; more is cut off with a note. */
const shownCharacters = 1_000_000;
const keys = '←→ doc  ↑↓ scroll  r reason  / search  m margin  c copies  s signals  q quit';
const belowText = 'signals: value, bound, margin, reason (s shows all)';
const clusterKeys =
  '←→ copy  tab next cluster  ↑↓ scroll  c text  s signals  / search  r all documents  q quit';

interface InspectProps {
  source: DocumentSource;
  start: InspectStart;
  /** Instead of the terminal's, for tests. */
  size?: { columns: number; rows: number };
}

export function InspectApp({ source, start, size }: InspectProps) {
  const { exit } = useApp();
  const terminal = useWindowSize();
  const columns = Math.max(20, size?.columns ?? terminal.columns);
  const rows = Math.max(8, size?.rows ?? terminal.rows);
  const filters = useMemo(
    () => [
      'all',
      'kept',
      'dropped',
      ...source.reasons.map(({ reason }) => reason).filter((reason) => reason !== 'kept'),
    ],
    [source],
  );
  const [filter, setFilter] = useState(start.filter ?? 'all');
  const [byMargin, setByMargin] = useState(start.byMargin ?? false);
  /** In cluster view: the filter and the order by margin leave it. */
  const [clusters, setClusters] = useState(start.clusters);
  const [list, setList] = useState<Uint32Array>();
  const [at, setAt] = useState(0);
  const [document, setDocument] = useState<RunDocument>();
  const [members, setMembers] = useState<ClusterMember[]>([]);
  const [panel, setPanel] = useState<Panel>(start.clusters === undefined ? 'text' : 'copies');
  const [scroll, setScroll] = useState(0);
  const [prompt, setPrompt] = useState<string>();
  const [needle, setNeedle] = useState(start.search ?? '');
  const [status, setStatus] = useState('');
  const searching = useRef<AbortController | undefined>(undefined);

  const search = async (text: string, from: number, step: 1 | -1, within: Uint32Array): Promise<void> => {
    searching.current?.abort();
    const abort = new AbortController();
    searching.current = abort;
    setStatus(`searching for "${visibleLine(text)}" (Esc stops)`);
    const progress = (looked: number): void =>
      setStatus(
        `searching for "${visibleLine(text)}": ${looked.toLocaleString('en-US')} documents (Esc stops)`,
      );
    try {
      const found = await source.search(within, from, step, text, abort.signal, progress);
      if (abort.signal.aborted) return;
      searching.current = undefined;
      setStatus(found < 0 ? `no ${from === 0 ? '' : 'further '}document has "${visibleLine(text)}"` : '');
      if (found >= 0) setAt(found);
    } catch (error) {
      setStatus(messageIn(error));
    }
  };

  const grouped = useMemo(
    () => (clusters === undefined ? undefined : source.clustered(clusters)),
    [source, clusters],
  );

  // The list follows filter and order.
  useEffect(() => {
    let stale = false;
    const show = (found: Uint32Array): void => {
      if (stale) return;
      setList(found);
      setAt(0);
      setScroll(0);
      setStatus('');
    };
    if (grouped !== undefined) show(grouped.list);
    else if (byMargin) {
      setStatus('sorting by margin');
      source.byMargin(filter).then(show, (error) => setStatus(messageIn(error)));
    } else show(source.list(filter));
    return () => {
      stale = true;
    };
  }, [source, filter, byMargin, grouped]);

  // The first list is searched when the command line says so.
  const searched = useRef(start.search === undefined);
  useEffect(() => {
    if (list === undefined || searched.current) return;
    searched.current = true;
    void search(start.search!, 0, 1, list);
  });

  /** The members last drawn in cluster view, which the next document of the cluster shares. */
  const shownMembers = useRef<ClusterMember[]>([]);
  const number = list?.[at];
  useEffect(() => {
    let stale = false;
    setScroll(0);
    if (clusters === undefined) setPanel((now) => (now === 'copies' ? 'text' : now));
    if (number === undefined) {
      setDocument(undefined);
      return;
    }
    source.document(number).then(
      async (loaded) => {
        const same =
          clusters?.length === 1 && shownMembers.current.some((member) => member.number === number);
        const copies = clusters === undefined || same ? undefined : await copiesOf(source, loaded, clusters);
        if (stale) return;
        setDocument(loaded);
        if (copies !== undefined) {
          shownMembers.current = copies;
          setMembers(copies);
        }
      },
      (error) => {
        if (!stale) setStatus(messageIn(error));
      },
    );
    return () => {
      stale = true;
    };
  }, [source, number, clusters]);

  const header =
    document === undefined
      ? []
      : headerRows(
          document,
          grouped === undefined ? placeOf(at, list, filter) : clusterPlace(at, grouped),
          columns,
          source.tokensExact,
        );
  const signals = useMemo(
    () => (document === undefined ? [] : signalRows(document.signals, columns)),
    [document, columns],
  );
  const lines = useMemo(
    () => (document === undefined ? [] : textRows(document, columns)),
    [document, columns],
  );
  // One row less than the terminal: a frame that fills it scrolls.
  const room = rows - 1 - header.length - 3;
  // Below a text the signals nearest to their bound, below copies the beginning of the document's own text.
  const below = panel === 'text' ? signals : panel === 'copies' ? lines : [];
  const half = Math.max(0, Math.floor(room / 2) - 1);
  const beside = Math.min(
    below.length,
    panel === 'copies' ? Math.max(half, room - members.length - 1) : Math.min(8, half),
  );
  const body = Math.max(1, room - (beside > 0 ? beside + 1 : 0));
  const shown =
    panel === 'text' ? lines : panel === 'signals' ? signals : memberRows(members, number ?? -1, columns);
  const last = Math.max(0, shown.length - body);
  const top = Math.min(scroll, last);

  const move = (to: number): void => {
    if (list === undefined || list.length === 0) return;
    setAt(Math.min(list.length - 1, Math.max(0, to)));
    setStatus('');
  };
  const showCopies = async (): Promise<void> => {
    if (panel === 'copies') setPanel('text');
    else if (document === undefined || document.copies.length === 0)
      setStatus('no other document is a copy of this one');
    else {
      setMembers(await copiesOf(source, document, clusters));
      setScroll(0);
      setPanel('copies');
    }
  };

  /** To the first document of the next cluster, or of the one before. */
  const moveCluster = (step: 1 | -1): void => {
    if (grouped === undefined) return;
    const starts = [...grouped.starts];
    const to = step > 0 ? starts.find((start) => start > at) : starts.findLast((start) => start < at);
    if (to === undefined) setStatus(`this is the ${step > 0 ? 'last' : 'first'} cluster`);
    else move(to);
  };

  useInput((input, key) => {
    if (key.ctrl && input === 'c') return exit('interrupted');
    if (prompt !== undefined) {
      if (key.escape) setPrompt(undefined);
      else if (key.return) {
        setPrompt(undefined);
        setNeedle(prompt);
        if (prompt !== '' && list !== undefined) void search(prompt, at, 1, list);
      } else if (key.backspace || key.delete) setPrompt([...prompt].slice(0, -1).join(''));
      else if (!key.ctrl && !key.meta && input !== '') setPrompt(prompt + input);
      return;
    }
    if (key.escape) {
      searching.current?.abort();
      setStatus('');
      setPanel(clusters === undefined ? 'text' : 'copies');
      setScroll(0);
    } else if (key.tab) moveCluster(key.shift ? -1 : 1);
    else if (input === 'q') exit('quit');
    else if (key.rightArrow || input === 'n') move(at + 1);
    else if (key.leftArrow || input === 'p') move(at - 1);
    else if (key.home || input === 'g') move(0);
    else if (key.end || input === 'G') move((list?.length ?? 1) - 1);
    else if (key.downArrow || input === 'j') setScroll(Math.min(last, top + 1));
    else if (key.upArrow || input === 'k') setScroll(Math.max(0, top - 1));
    else if (key.pageDown || input === ' ') setScroll(Math.min(last, top + body));
    else if (key.pageUp || input === 'b') setScroll(Math.max(0, top - body));
    else if (input === 'r' || input === 'R') {
      const step = input === 'r' ? 1 : filters.length - 1;
      if (clusters !== undefined) {
        setClusters(undefined);
        setPanel('text');
      } else setFilter(filters[(filters.indexOf(filter) + step) % filters.length]!);
    } else if (input === 'm') {
      setClusters(undefined);
      setByMargin(!byMargin);
    } else if (input === 's') {
      setPanel(panel === 'signals' ? 'text' : 'signals');
      setScroll(0);
    } else if (input === 'c') void showCopies();
    else if (input === '/') setPrompt('');
    else if (input === '.' && needle !== '' && list !== undefined) void search(needle, at + 1, 1, list);
    else if (input === ',' && needle !== '' && list !== undefined) void search(needle, at - 1, -1, list);
  });

  const view = shown.slice(top, top + body);
  const where = `${byMargin ? 'by margin  ' : ''}${panel === 'text' ? 'lines' : panel} ${shown.length === 0 ? 0 : top + 1}-${top + view.length} of ${shown.length}`;
  const bottom =
    prompt !== undefined
      ? `/${visibleLine(prompt)}▏  Enter searches, Esc does not`
      : status !== ''
        ? status
        : clusters === undefined
          ? keys
          : clusterKeys;
  return (
    <Box flexDirection="column" height={rows - 1} width={columns}>
      <Rows rows={header.length > 0 ? header : [{ text: emptyText(list, filter), tone: 'title' }]} />
      <Rule text={where} columns={columns} />
      <Box flexDirection="column" flexGrow={1}>
        <Rows rows={view} />
      </Box>
      {beside > 0 && <Rule text={panel === 'copies' ? 'text (c shows all)' : belowText} columns={columns} />}
      <Rows rows={below.slice(0, beside)} />
      <Rule
        text={needle === '' ? '' : `"${visibleLine(needle)}": . next, comma previous`}
        columns={columns}
      />
      <Text wrap="truncate" inverse={prompt !== undefined}>
        {cutTo(bottom, columns)}
      </Text>
    </Box>
  );
}

/** The clusters of a document, one after the other; of the steps asked for. */
async function copiesOf(
  source: DocumentSource,
  document: RunDocument,
  steps: readonly string[] | undefined,
): Promise<ClusterMember[]> {
  const found: ClusterMember[] = [];
  for (const { step, cluster } of document.copies) {
    if (steps === undefined || steps.includes(step)) found.push(...(await source.members(step, cluster)));
  }
  return found;
}

function placeOf(at: number, list: Uint32Array | undefined, filter: string): string {
  return `${(at + 1).toLocaleString('en-US')}/${(list?.length ?? 0).toLocaleString('en-US')} ${visibleLine(filter)}`;
}

function clusterPlace(at: number, { list, starts }: { list: Uint32Array; starts: Uint32Array }): string {
  let cluster = 0;
  while (cluster + 1 < starts.length && starts[cluster + 1]! <= at) cluster++;
  const first = starts[cluster] ?? 0;
  const size = (starts[cluster + 1] ?? list.length) - first;
  return `cluster ${cluster + 1}/${starts.length}, copy ${at - first + 1}/${size}`;
}

function emptyText(list: Uint32Array | undefined, filter: string): string {
  return list?.length === 0 ? `no document: ${visibleLine(filter)} (r shows others)` : 'reading';
}

function messageIn(error: unknown): string {
  return visibleLine(error instanceof Error ? error.message : String(error));
}

function textRows({ text }: RunDocument, columns: number): Row[] {
  const lines = wrapText(visibleText(text.slice(0, shownCharacters)), columns).map(
    (line): Row => ({ text: line, tone: 'plain' }),
  );
  if (text.length > shownCharacters) {
    const left = (text.length - shownCharacters).toLocaleString('en-US');
    lines.push({ text: `(${left} more characters are not shown)`, tone: 'dim' });
  }
  return lines;
}

const colours: Record<Tone, string | undefined> = {
  plain: undefined,
  dim: undefined,
  good: 'green',
  near: 'yellow',
  bad: 'red',
  title: 'cyan',
};

function Rows({ rows }: { rows: readonly Row[] }) {
  return rows.map(({ text, tone }, i) => {
    const colour = colours[tone];
    return (
      <Text
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity beyond their place
        key={i}
        wrap="truncate"
        dimColor={tone === 'dim'}
        bold={tone === 'title'}
        {...(colour === undefined ? {} : { color: colour })}
      >
        {text === '' ? ' ' : text}
      </Text>
    );
  });
}

function Rule({ text, columns }: { text: string; columns: number }) {
  const label = text === '' ? '' : ` ${cutTo(text, columns - 4)} `;
  return (
    <Text dimColor wrap="truncate">
      {`──${label}${'─'.repeat(Math.max(0, columns - 2 - label.length))}`}
    </Text>
  );
}
