/** Pipeline files: the built-in ones, and errors that name the key and the cure. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtInPipelines, loadPipeline, parsePipeline } from '../../src/stages/load-pipeline.ts';
import { resolveFilter } from '../../src/stages/resolve-filter.ts';

const base = 'name: p\nsignals: [gopher-quality]\n';

describe('the built-in pipelines', () => {
  it.each(builtInPipelines())('%s parses and resolves', (name) => {
    const { config, file } = loadPipeline(name, '/nowhere');
    expect(config.name).toBe(name);
    expect(resolveFilter(config, file).rules.length).toBeGreaterThan(1);
  });

  it('have formulas masked where they are about mathematics', () => {
    expect(builtInPipelines()).toEqual([
      'finemath-3plus',
      'finemath-4plus',
      'fineweb',
      'math-web',
      'megamath-web',
      'megamath-web-pro',
      'web',
    ]);
    expect(loadPipeline('math-web', '.').config.math).toBe('masked');
    expect(loadPipeline('web', '.').config.math).toBe('plain');
  });

  it('are suggested for a near miss', () => {
    expect(() => loadPipeline('math-wep', '/nowhere')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('math-web') }),
    );
  });
});

describe('parsePipeline', () => {
  it('takes input paths relative to the pipeline file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'midtrain-pipeline-'));
    writeFileSync(join(folder, 'p.yaml'), `${base}inputs: [{ path: pages }, { path: /abs/x.jsonl }]\n`);
    const { config } = loadPipeline(join(folder, 'p.yaml'), '/elsewhere');
    expect(config.inputs.map((input) => input.path)).toEqual([join(folder, 'pages'), '/abs/x.jsonl']);
    rmSync(folder, { recursive: true });
  });

  it.each([
    [`${base}treshold: {}\n`, /unknown key "treshold"/],
    [`${base}output: { droped: true }\n`, /unknown key "droped" in output; did you mean "dropped"/],
    [`${base}math: hidden\n`, /math: /],
    ['name: p\nsignals: []\n', /at least one signal family/],
    ['name: "a/b"\nsignals: [math]\n', /name: a name has letters/],
    ['name: [\n', /p\.yaml/],
  ])('refuses %j', (text, message) => {
    expect(() => parsePipeline(text, 'p.yaml', '/')).toThrow(message);
  });

  it('refuses an unknown signal family, and one named twice', () => {
    const resolve = (signals: string): unknown => {
      const { config, file } = parsePipeline(`name: p\nsignals: ${signals}\n`, 'p.yaml', '/');
      return resolveFilter(config, file);
    };
    expect(() => resolve('[gopher-qualty]')).toThrow(
      expect.objectContaining({ hint: 'did you mean "gopher-quality"?' }),
    );
    expect(() => resolve('[math, math]')).toThrow(/math twice/);
  });
});
