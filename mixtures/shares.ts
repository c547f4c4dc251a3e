/**
 * From a recipe's weights and the ratios asked for to the share of every source (design.md section 4, Mixture). Pure.
 *
 * 1. `set` gives single sources their share; the fill source takes the difference.
 * 2. `qa` is the summed share of the roles qa and long-cot; `cot` that of long-cot alone, inside it; `instruct` that of instruction.
 *    Sources of the role keep their inner proportions, sources that `set` fixed stay fixed, and the fill source takes the difference.
 * 3. What cannot all be true at once is an error that says which two things collide.
 *
 * All shares are of all tokens in the output.
 */
import type { Role } from '../src/core/card.ts';
import { nearest } from '../src/core/config.ts';
import { UserError } from '../src/core/errors.ts';

export interface Ratios {
  /** Share of qa and long-cot together. */
  qa?: number;
  /** Share of long-cot, inside qa. */
  cot?: number;
  /** Share of instruction. */
  instruct?: number;
  /** Shares of single sources. */
  set?: Readonly<Record<string, number>>;
}

export interface ShareInput {
  name: string;
  role: Role;
  /** `undefined` only for the fill source. */
  weight: number | undefined;
}

export interface Share {
  name: string;
  share: number;
  /** True where the share is not the recipe's. */
  changed: boolean;
}

/** Weights that add up to one within this are taken as written. */
const tolerance = 1e-6;

/** The share of each source, in the order given. Throws a `UserError` for what cannot be met. */
export function resolveShares(
  sources: readonly ShareInput[],
  fill: string | undefined,
  ratios: Ratios,
): Share[] {
  const shares = new Map<string, number>();
  for (const { name, weight } of sources) shares.set(name, weight ?? 0);
  const set = checkSet(sources, ratios.set ?? {});
  for (const [name, value] of set) shares.set(name, value);
  checkRatios(ratios);

  const ctx: Context = { sources, fill, shares, set };
  if (ratios.cot !== undefined || ratios.qa !== undefined) applyQa(ctx, ratios);
  if (ratios.instruct !== undefined) scaleGroup(ctx, ['instruction'], ratios.instruct, '--instruct-ratio');
  settleFill(ctx, ratiosGiven(ratios) || sources.find((s) => s.name === fill)?.weight === undefined);

  return sources.map(({ name, weight }) => {
    const share = clean(shares.get(name)!);
    return {
      name,
      share,
      changed: weight === undefined ? ratiosGiven(ratios) : Math.abs(share - weight) > 1e-12,
    };
  });
}

interface Context {
  sources: readonly ShareInput[];
  fill: string | undefined;
  shares: Map<string, number>;
  set: Map<string, number>;
}

function ratiosGiven(ratios: Ratios): boolean {
  return (
    ratios.qa !== undefined ||
    ratios.cot !== undefined ||
    ratios.instruct !== undefined ||
    Object.keys(ratios.set ?? {}).length > 0
  );
}

function checkSet(
  sources: readonly ShareInput[],
  set: Readonly<Record<string, number>>,
): Map<string, number> {
  const names = sources.map((s) => s.name);
  for (const [name, value] of Object.entries(set)) {
    if (!names.includes(name)) {
      const near = nearest(name, names);
      throw new UserError(
        `--set ${name}=${value}: the recipe has no source "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
        {
          hint: `its sources are: ${names.join(', ')}`,
        },
      );
    }
    checkShare(value, `--set ${name}`);
  }
  return new Map(Object.entries(set));
}

function checkRatios(ratios: Ratios): void {
  if (ratios.qa !== undefined) checkShare(ratios.qa, '--qa-ratio');
  if (ratios.cot !== undefined) checkShare(ratios.cot, '--cot-ratio');
  if (ratios.instruct !== undefined) checkShare(ratios.instruct, '--instruct-ratio');
}

function checkShare(value: number, what: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new UserError(`${what}: ${value} is not a share`, {
      hint: 'give a number from 0 to 1; 0.3 means 30 % of all tokens',
    });
  }
}

function applyQa(ctx: Context, ratios: Ratios): void {
  const longCot = groupShare(ctx, ['long-cot']);
  const qa = ratios.qa ?? longCot + groupShare(ctx, ['qa']);
  if (ratios.cot === undefined) {
    scaleGroup(ctx, ['qa', 'long-cot'], qa, '--qa-ratio');
    return;
  }
  if (ratios.cot > qa + tolerance) {
    throw new UserError(
      `--cot-ratio ${ratios.cot} is greater than the QA share ${show(qa)}: long chains of thought count as QA`,
      {
        hint: `raise --qa-ratio to ${ratios.cot} or more, or lower --cot-ratio`,
      },
    );
  }
  scaleGroup(ctx, ['long-cot'], ratios.cot, '--cot-ratio');
  scaleGroup(
    ctx,
    ['qa'],
    Math.max(0, qa - ratios.cot),
    ratios.qa === undefined ? '--cot-ratio' : '--qa-ratio with --cot-ratio',
  );
}

function groupShare(ctx: Context, roles: readonly Role[]): number {
  return sum(ctx.sources.filter((s) => roles.includes(s.role)).map((s) => ctx.shares.get(s.name)!));
}

/** Brings the summed share of some roles to `target`; members fixed by --set stay, the others keep their proportions. */
function scaleGroup(ctx: Context, roles: readonly Role[], target: number, flag: string): void {
  const group = ctx.sources.filter((s) => roles.includes(s.role));
  const named = roles.join(' or ');
  if (group.length === 0) {
    if (target <= tolerance) return;
    throw new UserError(
      `${flag} asks for a share of ${show(target)}, but the recipe has no source of role ${named}`,
      {
        hint: `add one under sources:, or leave ${flag} out`,
      },
    );
  }
  if (group.some((s) => s.name === ctx.fill)) {
    throw new UserError(
      `${flag}: the fill source "${ctx.fill}" is itself of role ${named}, so it cannot take the difference`,
      {
        hint: 'make a source of another role the fill source (fill: in the recipe)',
      },
    );
  }
  const fixed = group.filter((s) => ctx.set.has(s.name));
  const free = group.filter((s) => !ctx.set.has(s.name));
  const fixedShare = sum(fixed.map((s) => ctx.shares.get(s.name)!));
  const freeShare = sum(free.map((s) => ctx.shares.get(s.name)!));
  const rest = target - fixedShare;
  if (rest < -tolerance || (rest > tolerance && free.length === 0)) {
    throw new UserError(
      `${flag} (${show(target)} for ${group.map((s) => s.name).join(', ')}) and ${fixed.map((s) => `--set ${s.name}=${show(ctx.shares.get(s.name)!)}`).join(' ')} contradict each other`,
      {
        hint: `leave one of them out${free.length === 0 ? '' : `, or ask for at least ${show(fixedShare)}`}`,
      },
    );
  }
  if (rest > tolerance && freeShare === 0) {
    throw new UserError(
      `${flag}: the weights of ${free.map((s) => s.name).join(', ')} are all 0, so there is no proportion to keep`,
      {
        hint: `give them weights in the recipe, or say them one by one with --set ${free[0]!.name}=${show(rest)}`,
      },
    );
  }
  for (const source of free) {
    ctx.shares.set(
      source.name,
      freeShare === 0 ? 0 : (ctx.shares.get(source.name)! / freeShare) * Math.max(0, rest),
    );
  }
}

/** Lets the fill source take what the others leave, and checks that everything adds up to one. */
function settleFill(ctx: Context, refill: boolean): void {
  const { fill, shares, set } = ctx;
  const list = () => ctx.sources.map((s) => `${s.name} ${show(shares.get(s.name)!)}`).join(', ');
  if (fill !== undefined && refill && !set.has(fill)) {
    const others = sum([...shares].filter(([name]) => name !== fill).map(([, value]) => value));
    if (others > 1 + tolerance) {
      throw new UserError(
        `the shares of the other sources come to ${show(others)}, which leaves nothing for the fill source "${fill}": ${list()}`,
        {
          hint: `lower one of them by ${show(others - 1)} or more`,
        },
      );
    }
    shares.set(fill, Math.max(0, 1 - others));
    return;
  }
  const total = sum([...shares.values()]);
  if (Math.abs(total - 1) > tolerance) {
    const cure =
      fill === undefined
        ? 'name a fill source in the recipe (fill: <source>), which takes the difference, or set shares that come to 1'
        : set.has(fill)
          ? `leave --set ${fill} out: it is the fill source and takes the difference`
          : `mend the weights, or leave the weight of the fill source "${fill}" out`;
    throw new UserError(`the shares come to ${show(total)}, not to 1: ${list()}`, { hint: cure });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** Takes the dust of floating point off a share, so that 0.30000000000000004 is 0.3. */
function clean(share: number): number {
  return Math.round(share * 1e12) / 1e12;
}

function show(share: number): string {
  return String(Number(share.toPrecision(4)));
}
