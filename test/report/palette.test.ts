import { describe, expect, it } from 'vitest';
import { pageColours, seriesColour, seriesColours, seriesDash } from '../../src/report/palette.ts';

type Vec = [number, number, number];

/** Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB. */
const sights: Record<string, [Vec, Vec, Vec]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function linear(hex: string): Vec {
  return [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as Vec;
}

function oklab([r, g, b]: Vec): Vec {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function seen(hex: string, sight: [Vec, Vec, Vec]): Vec {
  const c = linear(hex);
  return oklab(sight.map((row) => Math.max(0, row[0] * c[0] + row[1] * c[1] + row[2] * c[2])) as Vec);
}

function contrast(a: string, b: string): number {
  const lum = (hex: string): number => {
    const [r, g, bl] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [high, low] = [lum(a), lum(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each(['light', 'dark'] as const)('the %s series colours', (theme) => {
  const colours = seriesColours[theme];

  it.each(Object.keys(sights))('stay apart with %s', (name) => {
    for (const [i, a] of colours.entries()) {
      for (const b of colours.slice(0, i)) {
        const [x, y] = [seen(a, sights[name]!), seen(b, sights[name]!)];
        // 0.06 in OKLab is about three times the smallest difference people notice between adjacent patches.
        expect(Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]), `${a} ${b}`).toBeGreaterThan(0.06);
      }
    }
  });

  it('keep a contrast of at least 3 with the page', () => {
    for (const colour of colours) expect(contrast(colour, pageColours[theme])).toBeGreaterThan(3);
  });
});

describe('series', () => {
  it('of any number up to twelve differ in colour or dash', () => {
    const looks = Array.from({ length: 12 }, (_, i) => `${seriesColour(i)} ${seriesDash(i, 12)}`);
    expect(new Set(looks).size).toBe(12);
  });
});
