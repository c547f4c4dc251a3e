/** What the generators give, pinned: a change must raise the generator's version, or experiments would take old records for new ones. */
import { expect, test } from 'vitest';
import { arithmeticProblems } from '../../mixtures/arithmetic.ts';
import { generateRecords, generatorVersions } from '../../mixtures/generated.ts';
import { miniMathKinds, miniMathProblems } from '../../mixtures/mini-math.ts';
import { generatorSchema } from '../../src/core/card.ts';
import { fingerprint } from '../../src/core/config.ts';

const records = (spec: Record<string, unknown>) => [
  ...generateRecords(generatorSchema.parse({ count: 60, seed: 4, ...spec })),
];

test('raise generatorVersions and these hashes together', () => {
  const miniMath = [
    ...miniMathKinds.map((kind) => records({ generator: 'mini-math', kind })),
    records({ generator: 'mini-math', kind: 'pages', style: 'answer-first' }),
    miniMathProblems({ split: 'train', count: 40, seed: 2 }),
  ];
  const arithmetic = [
    ...['qa', 'long-cot', 'instruction'].map((kind) => records({ generator: 'arithmetic', kind })),
    arithmeticProblems({ split: 'heldout', count: 40, seed: 2 }),
  ];
  expect({
    'mini-math': [generatorVersions['mini-math'], fingerprint(miniMath)],
    arithmetic: [generatorVersions.arithmetic, fingerprint(arithmetic)],
  }).toMatchInlineSnapshot(`
    {
      "arithmetic": [
        1,
        "4625a6351bbb72c0",
      ],
      "mini-math": [
        1,
        "a523a244558bfa2d",
      ],
    }
  `);
});
