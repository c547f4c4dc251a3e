/**
 * verl's tokenizer of characters. The ids below follow its class (tests/special_e2e/envs/digit_completion/tokenizer.py, read, not run) and were computed with
 * transformers on the tokenizer.json that we write.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { characterTokenizer } from '../../src/tokens/character-tokenizer.ts';
import { loadTokenizer } from '../../src/tokens/tokenizer.ts';
import { convertFolder } from '../../trainer/convert/convert-folder.ts';
import { describeWith, sharedData } from '../io/shared-data.ts';

const root = mkdtempSync(path.join(tmpdir(), 'characters-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const digits = [48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 44, 58];
const template = '{{ messages[0].content }}{% if add_generation_prompt %}{{ sep_token }}{% endif %}';

describe('a tokenizer of characters', () => {
  it('has the ids of verl, one unknown for each character it does not have', async () => {
    const folder = path.join(root, 'plain');
    mkdirSync(folder);
    writeFileSync(
      path.join(folder, 'tokenizer_config.json'),
      JSON.stringify({ char_ords: digits, model_max_length: 64, chat_template: template }),
    ); // prettier-ignore
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer).toMatchObject({ vocabSize: 16, eosId: 1, padId: 2 });
    expect([...tokenizer.encode('8,3:9,4')]).toEqual([12, 14, 7, 15, 13, 14, 8]);
    expect([...tokenizer.encode('12é,x😀S')]).toEqual([5, 6, 3, 14, 3, 3, 0]);
    expect(tokenizer.decode([11, 14, 6, 1])).toBe('7,2E');
    expect(tokenizer.decode([11, 14, 6, 1], { special: false })).toBe('7,2');
    expect(tokenizer.chat).toMatchObject({ template, variables: { sep_token: 'S', eos_token: 'E' } });
  });

  it('may have any characters, and refuses what is none', async () => {
    const { json } = characterTokenizer({ char_ords: [0x1f600, 0x78] }, 'f');
    expect((json.model as { vocab: object }).vocab).toEqual({ S: 0, E: 1, P: 2, U: 3, '😀': 4, x: 5 });
    for (const [ords, problem] of [
      [[], '0 characters'],
      [[48, 48], 'named before'],
      [[69], 'a special token'],
      [['a'], 'not a code point'],
      [[0x110000], 'not a code point'],
      [[0xd800], 'surrogate'],
    ] as const)
      expect(() => characterTokenizer({ char_ords: [...ords] }, 'f')).toThrow(problem);
  });
});

describeWith('models/verl-arithmetic', "verl's test model", () => {
  it('is converted with a tokenizer.json, to a folder that tells the roles of its special tokens', async () => {
    const out = path.join(root, 'converted');
    await convertFolder(path.join(sharedData, 'models/verl-arithmetic'), out, 'F32');
    const json = JSON.parse(readFileSync(path.join(out, 'tokenizer.json'), 'utf8')) as {
      added_tokens: object[];
    };
    expect(json.added_tokens).toHaveLength(4);
    const config = JSON.parse(readFileSync(path.join(out, 'tokenizer_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: 'E',
      sep_token: 'S',
    });
    expect(config).not.toHaveProperty('char_ords');
    const [before, after] = await Promise.all(
      [path.join(sharedData, 'models/verl-arithmetic'), out].map((folder) => loadTokenizer(folder)),
    );
    for (const text of ['8,3:9,4S', '0:9', 'SEPU', 'é'])
      expect([...after!.encode(text)]).toEqual([...before!.encode(text)]);
  });
});
