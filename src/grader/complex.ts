/**
 * Complex doubles that carry a bound on their error, so that "equal" can be told from "lost to rounding".
 * `z = re + i im`, true value within `err` of it.
 */
export interface Complex {
  readonly re: number;
  readonly im: number;
  readonly err: number;
}

const eps = 2.3e-16;

export const abs = (z: Complex): number => Math.hypot(z.re, z.im);
export const complex = (re: number, im = 0, err = eps * Math.hypot(re, im)): Complex => ({ re, im, err });
export const isReal = (z: Complex): boolean => Math.abs(z.im) <= z.err;
export const isKnown = (z: Complex): boolean =>
  Number.isFinite(z.re) && Number.isFinite(z.im) && Number.isFinite(z.err);

export const negate = (z: Complex): Complex => ({ re: -z.re, im: -z.im, err: z.err });

export function add(a: Complex, b: Complex): Complex {
  const re = a.re + b.re;
  const im = a.im + b.im;
  return { re, im, err: a.err + b.err + eps * Math.hypot(re, im) };
}

export function multiply(a: Complex, b: Complex): Complex {
  const re = a.re * b.re - a.im * b.im;
  const im = a.re * b.im + a.im * b.re;
  const size = abs(a) * abs(b);
  return { re, im, err: abs(a) * b.err + abs(b) * a.err + a.err * b.err + 2 * eps * size };
}

/** Not finite where the divisor may be zero. */
export function divide(a: Complex, b: Complex): Complex {
  const size = abs(b);
  if (size <= 2 * b.err || size === 0) return { re: Number.NaN, im: Number.NaN, err: Number.NaN };
  const re = (a.re * (b.re / size) + a.im * (b.im / size)) / size;
  const im = (a.im * (b.re / size) - a.re * (b.im / size)) / size;
  const result = Math.hypot(re, im);
  return { re, im, err: (a.err + result * b.err) / (size - b.err) + 3 * eps * result };
}

/** `f(z)` with the error that `z`'s error makes of it, measured by moving `z` by its error. */
export function apply(f: (re: number, im: number) => readonly [number, number], z: Complex): Complex {
  const [re, im] = f(z.re, z.im);
  const moved = (dre: number, dim: number): number => {
    const [x, y] = f(z.re + dre, z.im + dim);
    return Math.hypot(x - re, y - im);
  };
  const step = Math.max(z.err, eps * abs(z));
  const off = step === 0 ? 0 : Math.max(moved(step, 0), moved(-step, 0)) + (z.im === 0 ? 0 : moved(0, step));
  return { re, im, err: 1.5 * off + 4 * eps * Math.hypot(re, im) };
}

export const exp = (x: number, y: number): readonly [number, number] => {
  const size = Math.exp(x);
  return y === 0 ? [size, 0] : [size * Math.cos(y), size * Math.sin(y)];
};
export const log = (x: number, y: number): readonly [number, number] => [
  y === 0 ? Math.log(Math.abs(x)) : Math.log(Math.hypot(x, y)),
  y === 0 ? (x < 0 ? Math.PI : 0) : Math.atan2(y, x),
];
export const sin = (x: number, y: number): readonly [number, number] =>
  y === 0 ? [Math.sin(x), 0] : [Math.sin(x) * Math.cosh(y), Math.cos(x) * Math.sinh(y)];
export const cos = (x: number, y: number): readonly [number, number] =>
  y === 0 ? [Math.cos(x), 0] : [Math.cos(x) * Math.cosh(y), -Math.sin(x) * Math.sinh(y)];

/** Whether the two may be the same number: their difference is within their errors, and those are small. */
export function sameNumber(a: Complex, b: Complex): boolean {
  if (!isKnown(a) || !isKnown(b)) return false;
  const err = a.err + b.err;
  const size = Math.max(abs(a), abs(b));
  if (err > Math.max(1e-9 * size, 1e-12)) return false; // too much was lost to say
  return Math.hypot(a.re - b.re, a.im - b.im) <= 4 * err;
}
