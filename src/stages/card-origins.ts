/**
 * Where a product comes from: the runs it was made from, back to the data cards and files of its first inputs, with their licences, roles and
 * languages. Read from run.json of each run; what is not there any more counts as unknown, and nothing is guessed.
 *
 * Where the README.md of a run folder names another licence than its inputs come to, it goes before them: a person may know more than the record.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { builtInCards, loadCard } from '../../mixtures/load.ts';
import { type DataCard, licensedSource } from '../core/card.ts';
import { UserError } from '../core/errors.ts';
import { joinedLicence, type LicensedSource } from '../core/licences.ts';
import type { RunRecord } from '../core/record.ts';
import { readRecord, runFolderOf } from '../io/run-record.ts';
import { lastPart } from '../report/hub-card.ts';

export interface Origin extends LicensedSource {
  /** A Hub data set, where a card names one. */
  from?: string | undefined;
}

export interface Origins {
  /** Every first source once, in the order they were met. */
  sources: Origin[];
  roles: string[];
  /** Undefined where a source does not say its languages. */
  languages: string[] | undefined;
  mixtures: { name: string; tokens: number | undefined }[];
}

/** The origins of the run in `folder`; `cwd` is where relative paths of its record start. */
export function originsOf(folder: string, cwd: string): Origins {
  const walk = new OriginWalk(cwd);
  walk.run(folder, true);
  return walk.result();
}

/** The origins of files, as far as runs and data cards tell; `cwd` as for `originsOf`. */
export function originsOfFiles(paths: readonly string[], cwd: string): Origins {
  const walk = new OriginWalk(cwd);
  for (const path of paths) walk.path(path, cwd);
  return walk.result();
}

class OriginWalk {
  readonly sources = new Map<string, Origin>();
  readonly roles = new Set<string>();
  readonly languages = new Set<string>();
  languagesKnown = true;
  readonly mixtures: Origins['mixtures'] = [];
  private readonly seen = new Set<string>();
  private readonly cwd: string;

  constructor(cwd: string) {
    this.cwd = cwd;
  }

  result(): Origins {
    return {
      sources: [...this.sources.values()],
      roles: [...this.roles],
      languages: this.languagesKnown && this.languages.size > 0 ? [...this.languages].sort() : undefined,
      mixtures: this.mixtures,
    };
  }

  run(folder: string, first = false): void {
    if (this.seen.has(folder)) return;
    this.seen.add(folder);
    const record = readRecord(folder);
    const stated = first ? undefined : statedLicence(folder);
    if (stated !== undefined && this.replaced(record, folder, stated)) return;
    if (record.command === 'filter' || record.command === 'classify') this.filter(record, folder);
    else if (record.command === 'mix') this.mix(record, folder);
    else this.trained(record, folder);
  }

  /** True if the README of a run says another licence than its sources come to: then it stands for them. */
  private replaced(record: RunRecord, folder: string, stated: string): boolean {
    const inner = new OriginWalk(this.cwd);
    inner.run(folder, true);
    const sources = [...inner.sources.values()];
    if (joinedLicence(sources.map(({ license }) => license)).license === stated) return false;
    const models = sources.flatMap(({ generatedBy = [] }) => generatedBy);
    this.add({ name: record.name, license: stated, generatedBy: models });
    for (const role of inner.roles) this.roles.add(role);
    for (const language of inner.languages) this.languages.add(language);
    this.languagesKnown &&= inner.languagesKnown;
    this.mixtures.push(...inner.mixtures);
    return true;
  }

  private filter(record: RunRecord, folder: string): void {
    const config = (record.config ?? {}) as { recut?: unknown; inputs?: unknown };
    if (typeof config.recut === 'string') {
      this.path(config.recut, folder);
      return;
    }
    const inputs = Array.isArray(config.inputs) ? (config.inputs as unknown[]) : record.inputs;
    for (const input of inputs) {
      const { path, card } = (typeof input === 'string' ? { path: input } : input) as {
        path?: unknown;
        card?: unknown;
      };
      if (typeof card === 'string') this.card(card, folder);
      else if (typeof path === 'string') this.path(path, folder);
    }
  }

  private mix(record: RunRecord, folder: string): void {
    const { totalTokens } = record.summary;
    this.mixtures.push({
      name: record.name,
      tokens: typeof totalTokens === 'number' ? totalTokens : undefined,
    });
    const config = (record.config ?? {}) as { recipeFile?: unknown; recipe?: { sources?: unknown } };
    const from = typeof config.recipeFile === 'string' ? dirname(config.recipeFile) : folder;
    const sources = Object.entries(
      (config.recipe?.sources ?? {}) as Record<string, { card?: unknown; data?: unknown; license?: unknown }>,
    );
    for (const [name, { card, data, license }] of sources) {
      if (typeof license === 'string') {
        this.add({ name, license });
        continue;
      }
      if (typeof card === 'string') this.card(card, from, name);
      else if (typeof data === 'string') this.path(data, from, name);
      else if (Array.isArray(data)) for (const path of data) this.path(String(path), from, name);
      // Records that a generator of this program made belong to nobody else.
      else if (data === undefined) this.unknown(name);
    }
  }

  private trained(record: RunRecord, folder: string): void {
    for (const parent of record.parents) this.path(parent, folder);
    // The problems of a GRPO run are data too.
    const config = (record.config ?? {}) as { problems?: unknown };
    if (typeof config.problems === 'string') this.path(config.problems, folder);
  }

  path(path: string, folder: string, name = lastPart(path)): void {
    const hub = /^hf:\/\/datasets\/([\w.-]+\/[\w.-]+)/.exec(path)?.[1];
    if (hub !== undefined) {
      const known = builtInCards()
        .map((card) => loadCard(card, folder))
        .find(({ project }) => 'hub' in project.data && project.data.hub === hub);
      if (known === undefined) this.unknown(name, hub);
      else this.add({ ...licensedSource(known, name), from: hub }, known);
      return;
    }
    const candidates = [resolve(folder, path), resolve(this.cwd, path)];
    const there = candidates.find((candidate) => existsSync(candidate));
    const run = there === undefined ? undefined : runFolderOf(there);
    if (run === undefined) this.unknown(name);
    else this.run(run);
  }

  private card(card: string, folder: string, name?: string): void {
    let loaded: DataCard;
    try {
      loaded = loadCard(card, folder);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.unknown(name ?? lastPart(card));
      return;
    }
    const { data } = loaded.project;
    this.add(
      { ...licensedSource(loaded, name ?? loaded.name), from: 'hub' in data ? data.hub : undefined },
      loaded,
    );
  }

  private unknown(name: string, from?: string): void {
    this.languagesKnown = false;
    this.add({ name, license: 'unknown', from });
  }

  private add(origin: Origin, card?: DataCard): void {
    const key = `${origin.name}\n${origin.license}`;
    if (!this.sources.has(key)) this.sources.set(key, origin);
    if (card === undefined) return;
    this.roles.add(card.project.role);
    if (card.languages === undefined) this.languagesKnown = false;
    for (const language of card.languages ?? []) this.languages.add(language);
  }
}

/** The licence in the README.md of a run folder; undefined where there is none that says one. */
function statedLicence(folder: string): string | undefined {
  const path = join(folder, 'README.md');
  if (!existsSync(path)) return undefined;
  const match = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readFileSync(path, 'utf8'));
  if (match === null) return undefined;
  try {
    const { license } = (parseYaml(match[1]!) ?? {}) as { license?: unknown };
    return typeof license === 'string' && license !== 'unknown' && license !== 'other' ? license : undefined;
  } catch {
    return undefined;
  }
}
