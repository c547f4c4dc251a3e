/**
 * What the designer does outside its screen: opens a recipe, saves, exports, keeps what is not saved, and has sizes, samples and speeds
 * made in the background. A built-in recipe is never written to; a file that something else changed meanwhile is not overwritten unasked.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { mixArguments, shellLine } from '../../mixtures/design/command-line.ts';
import { type ComparedSource, compareMixtures } from '../../mixtures/design/compare.ts';
import { type Design, openDesign, recipeOf } from '../../mixtures/design/design.ts';
import { changesOf } from '../../mixtures/design/design-changes.ts';
import { editRecipe, moveRecipe } from '../../mixtures/edit-recipe.ts';
import { estimateRun, type ModelShape, type RunEstimate } from '../../mixtures/estimate.ts';
import { builtInRecipes, type LoadedRecipe, loadRecipe, recipesFolder } from '../../mixtures/load.ts';
import { type MixturePlan, planMixture, type SourceSize } from '../../mixtures/plan.ts';
import { parseRecipe, type Recipe } from '../../mixtures/recipe.ts';
import { type ResolvedSource, resolveSources } from '../../mixtures/sources.ts';
import { UserError } from '../core/errors.ts';
import { writeFileAtomic, writeFileAtomicSync } from '../io/atomic.ts';
import { sizeOfCard } from '../stages/size-source.ts';
import type { Speed } from './design-state.ts';

export interface SessionOptions {
  cwd: string;
  loaded: LoadedRecipe;
  models: readonly ModelShape[];
}

export type SaveResult =
  | { kind: 'saved'; file: string }
  | { kind: 'exists'; path: string }
  | { kind: 'changed'; path: string };

export class DesignSession {
  readonly cwd: string;
  /** The recipe as it was opened, with `--data` taken in; plans are made from it. */
  readonly loaded: LoadedRecipe;
  readonly resolved: readonly ResolvedSource[];
  readonly opened: Design;
  /** Sum of the weights where that was not one. */
  readonly scaledFrom: number | undefined;
  readonly models: readonly ModelShape[];
  /** Sizes by the cards, before anything is counted. */
  readonly cardSizes: Readonly<Record<string, SourceSize>>;
  /** What is saved over: text, where relative paths in it start, and the file; no file for a built-in recipe. */
  private text: string;
  private folder: string;
  private file: string | undefined;
  private hash: string | undefined;

  constructor({ cwd, loaded, models }: SessionOptions) {
    this.cwd = cwd;
    this.loaded = loaded;
    this.models = models;
    this.resolved = resolveSources(loaded, cwd);
    const roles = Object.fromEntries(this.resolved.map(({ name, role }) => [name, role]));
    const { design, scaledFrom } = openDesign(loaded.recipe, roles);
    this.opened = design;
    this.scaledFrom = scaledFrom;
    const tokenizer = typeof loaded.recipe.tokenizer === 'string' ? loaded.recipe.tokenizer : undefined;
    this.cardSizes = Object.fromEntries(
      this.resolved.map((source) => [source.name, sizeOfCard(source, tokenizer)]),
    );
    this.text = loaded.text;
    this.folder = loaded.folder;
    this.file = isBuiltIn(loaded.file) ? undefined : loaded.file;
    this.hash = this.file === undefined ? undefined : hashOf(loaded.text);
  }

  get recipe(): Recipe {
    return this.loaded.recipe;
  }

  /** Where `save` writes without being told; undefined: it must be told. */
  get ownFile(): string | undefined {
    return this.file;
  }

  /** The file as people call it. */
  get fileName(): string {
    if (this.file === undefined) return 'built-in';
    const short = relative(this.cwd, this.file);
    return short.startsWith('..') ? this.file : short;
  }

  /** What `midtrain mix` is given to make the saved mixture. */
  get mixArgument(): string {
    return this.file ?? basename(this.loaded.file).replace(/\.yaml$/, '');
  }

  plan(design: Design, sizes: Readonly<Record<string, SourceSize>>): MixturePlan {
    return planMixture(recipeOf(design, this.recipe), sizes);
  }

  /** Tokens of a step: the recipe's; else 512 sequences, as in the paper, or a hundredth of the mixture where that is less. */
  batchTokens(design: Design, plan: MixturePlan): { tokens: number; assumed: boolean } {
    const { batchTokens, sequenceLength } = design.settings;
    if (batchTokens !== undefined) return { tokens: batchTokens, assumed: false };
    const sequences = Math.max(
      1,
      Math.min(512, 2 ** Math.floor(Math.log2(Math.max(1, plan.sequences / 100)))),
    );
    return { tokens: sequences * sequenceLength, assumed: true };
  }

  estimate(design: Design, plan: MixturePlan, modelName: string, speed: Speed | undefined): RunEstimate {
    const model = this.models.find(({ name }) => name === modelName);
    const { tokenizer } = design.settings;
    const trained = typeof tokenizer === 'object' ? (tokenizer.train.vocabSize ?? 257) : undefined;
    return estimateRun({
      plan,
      batchTokens: this.batchTokens(design, plan).tokens,
      vocabSize: trained ?? model?.vocabSize ?? 128_256,
      model,
      flopsPerSecond: speed?.flopsPerSecond,
      ...(speed?.utilisation === undefined ? {} : { utilisation: speed.utilisation }),
    });
  }

  /** The model the recipe is about: its base model, else the one whose tokenizer it takes, else 1B. */
  defaultModel(): string {
    const said = [this.recipe.training?.baseModel?.value, this.recipe.tokenizer].filter(
      (x) => typeof x === 'string',
    );
    const found = said.flatMap((text) => this.models.filter(({ name }) => text.includes(name)));
    return (
      found[0]?.name ??
      this.models.find(({ name }) => name === 'Llama-3.2-1B')?.name ??
      this.models[0]?.name ??
      'none'
    );
  }

  /** The recipe's text with the design in it, for a file in `folder`. */
  private textFor(design: Design, folder: string, file: string): string {
    const recipe = parseRecipe(this.text, file);
    const changes = changesOf(design, recipe);
    const { tokenizer } = changes;
    const moved = moveRecipe(this.text, { from: this.folder, to: folder, file, isFolder: existsSync });
    const local =
      tokenizer === undefined
        ? changes
        : { ...changes, tokenizer: isAbsolute(tokenizer) ? pathFrom(folder, tokenizer) : tokenizer };
    return editRecipe(moved, local, file);
  }

  /** Saves. Without `force` it does not overwrite a file that exists (another one) or was changed since (its own). */
  async save(design: Design, path: string | undefined, force: boolean): Promise<SaveResult> {
    const target = path === undefined ? this.file! : resolve(this.cwd, withExtension(path));
    if (isBuiltIn(target)) {
      throw new UserError(`${target} is a built-in recipe and is not overwritten`, {
        hint: 'save it in a folder of yours, such as ./mixture.yaml',
      });
    }
    if (existsSync(target) && statSync(target).isDirectory())
      throw new UserError(`${target} is a folder`, {
        hint: `name a file, such as ${join(path ?? '.', 'mixture.yaml')}`,
      });
    if (!force && existsSync(target)) {
      const same = this.file !== undefined && resolve(this.file) === target;
      if (!same) return { kind: 'exists', path: target };
      if (hashOf(readFileSync(target, 'utf8')) !== this.hash) return { kind: 'changed', path: target };
    }
    const text = this.textFor(design, dirname(target), target);
    // A link stays a link: what it leads to is replaced.
    await writeFileAtomic(existsSync(target) ? realpathSync(target) : target, text);
    [this.text, this.folder, this.file, this.hash] = [text, dirname(target), target, hashOf(text)];
    return { kind: 'saved', file: target };
  }

  /** Writes what is not saved beside where it would be saved, under a name that is free, at once. Returns the path. */
  recover(design: Design): string {
    const folder = this.file === undefined ? this.cwd : dirname(this.file);
    const stem = this.file === undefined ? 'mixture' : basename(this.file).replace(/\.ya?ml$/, '');
    for (let n = 1; ; n++) {
      const path = join(folder, `${stem}.recovered${n === 1 ? '' : `-${n}`}.yaml`);
      if (existsSync(path)) continue;
      writeFileAtomicSync(path, this.textFor(design, folder, path));
      return path;
    }
  }

  /** The plan, the estimate and the command line, for scripts. */
  exported(
    design: Design,
    sizes: Readonly<Record<string, SourceSize>>,
    model: string,
    speed: Speed | undefined,
  ) {
    const plan = this.plan(design, sizes);
    const base = parseRecipe(this.text, this.file ?? this.loaded.file);
    return {
      recipe: this.file ?? this.loaded.file,
      command: `midtrain ${shellLine(mixArguments(design, base, this.mixArgument))}`,
      model,
      flopsPerSecond: speed?.flopsPerSecond ?? null,
      batchTokens: this.batchTokens(design, plan).tokens,
      estimate: this.estimate(design, plan, model, speed),
      plan,
    };
  }

  async export(content: ReturnType<DesignSession['exported']>, path: string): Promise<string> {
    const target = resolve(this.cwd, path);
    if (existsSync(target) && !isExport(target))
      throw new UserError(`${target} exists and is no exported plan`, { hint: 'name another file' });
    await writeFileAtomic(target, `${JSON.stringify(content, null, 2)}\n`);
    return target;
  }

  compare(
    plan: MixturePlan,
    name: string,
  ): { comparison: ReturnType<typeof compareMixtures>; other: LoadedRecipe } {
    const other = loadRecipe(name, this.cwd);
    const resolved = resolveSources(other, this.cwd);
    const roles = Object.fromEntries(resolved.map((s) => [s.name, s.role]));
    const theirs = openDesign(other.recipe, roles).design;
    const side = (source: {
      name: string;
      role: ComparedSource['role'];
      card: string | undefined;
      share: number;
    }): ComparedSource => source;
    return {
      other,
      comparison: compareMixtures(
        plan.sources.map((s) => side({ name: s.name, role: s.role, card: s.card, share: s.requestedShare })),
        theirs.sources.map((s) =>
          side({
            name: s.name,
            role: s.role,
            card: other.recipe.sources[s.name]!.card,
            share: s.share / 1e9,
          }),
        ),
      ),
    };
  }

  /** A tokenizer that was typed: a folder here, the recipe's own word, or a Hub name. */
  checkTokenizer(text: string): { tokenizer: Design['settings']['tokenizer'] } | { error: string } {
    const own = this.recipe.tokenizer;
    if (text === '')
      return own === undefined
        ? { error: 'type a folder with tokenizer.json, or a Hub name' }
        : { tokenizer: own };
    if (text === own) return { tokenizer: own };
    const path = resolve(this.cwd, text);
    if (existsSync(path)) {
      const file = basename(path) === 'tokenizer.json' ? path : join(path, 'tokenizer.json');
      return existsSync(file) ? { tokenizer: path } : { error: `${path} has no tokenizer.json` };
    }
    if (/^[\w-][\w.-]*\/[\w.-]+$/.test(text)) return { tokenizer: text };
    return {
      error: `nothing at ${path}; give a folder with tokenizer.json, or a Hub name such as meta-llama/Llama-3.2-3B`,
    };
  }
}

function isBuiltIn(file: string): boolean {
  return (
    dirname(resolve(file)) === resolve(recipesFolder()) &&
    builtInRecipes().includes(basename(file).replace(/\.yaml$/, ''))
  );
}

function isExport(file: string): boolean {
  try {
    return 'plan' in (JSON.parse(readFileSync(file, 'utf8')) as object);
  } catch {
    return false;
  }
}

function withExtension(path: string): string {
  return /\.ya?ml$/i.test(path) ? path : `${path.replace(/\/$/, '')}.yaml`;
}

function pathFrom(folder: string, path: string): string {
  const short = relative(folder, path);
  return short.startsWith('.') ? short : `./${short}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
