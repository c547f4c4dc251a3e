/** Every case of datatrove's formatter tests: PII, symbol lines, ftfy, simplify_text. */
import { expect } from 'vitest';
import { maskPii } from '../../src/filters/mask-pii.ts';
import { fixText } from '../../src/text/fix-text.ts';
import { simplifyText } from '../../src/text/normalise.ts';
import { removeSymbolLines } from '../../src/text/symbol-lines.ts';
import { type ParityCase, runParity } from './parity.ts';

interface FormatterCase extends ParityCase {
  formatter: string;
  params: Record<string, unknown>;
  input: string;
  expected: string | { equals?: string; contains?: string; notContains?: string };
}

runParity<FormatterCase>('datatrove-formatters.jsonl', 77, (test) => {
  const { formatter, params, input, expected } = test;
  const result = format(formatter, params, input);
  if (typeof expected === 'string') expect(result).toBe(expected);
  else {
    if (expected.equals !== undefined) expect(result).toBe(expected.equals);
    if (expected.contains !== undefined) expect(result).toContain(expected.contains);
    if (expected.notContains !== undefined) expect(result).not.toContain(expected.notContains);
  }
  return undefined;
});

function format(formatter: string, params: Record<string, unknown>, input: string): string {
  switch (formatter) {
    case 'pii':
      expect(params.only_remove_public_ips).toBe(true);
      return maskPii(input, {
        emails: [String(params.email_replacement)],
        addresses: [String(params.ip_replacement)],
      }).text;
    case 'symbol-lines':
      return removeSymbolLines(input, String(params.replace_char));
    case 'ftfy':
      return fixText(input, params.unescape_html === true ? { unescapeHtml: true } : {});
    default:
      expect(formatter).toBe('simplify_text');
      return simplifyText(input);
  }
}
