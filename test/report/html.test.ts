import { describe, expect, it } from 'vitest';
import { clip, escapeHtml, html, trusted, visibleControls } from '../../src/report/html.ts';

describe('html', () => {
  it('escapes text put into a template, in content and in attributes', () => {
    const hostile = `"><script>alert('x')</script>&amp;`;
    const out = html`<a title="${hostile}">${hostile}</a>`.text;
    expect(out).not.toContain('<script');
    expect(out).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;</a>',
    );
  });

  it('leaves markup as it is and joins lists, also nested ones', () => {
    expect(html`<ul>${[html`<li>1</li>`, [html`<li>${'<2>'}</li>`]]}</ul>`.text).toBe(
      '<ul><li>1</li><li>&lt;2&gt;</li></ul>',
    );
    expect(html`${trusted('<b>')}`.text).toBe('<b>');
  });

  it('writes nothing for nothing, and zero for zero', () => {
    expect(html`[${undefined}${null}${false}${0}]`.text).toBe('[0]');
  });

  it('shows control characters, direction overrides and byte order marks instead of passing them on', () => {
    expect(visibleControls('a\u0000b\u001b[31mc\u202ed\ufeff')).toBe('a\\u0000b\\u001b[31mc\\u202ed\\ufeff');
    expect(visibleControls('tab\tline\r\nend')).toBe('tab\tline\nend');
    expect(escapeHtml('\ud800x')).toBe('\ufffdx');
  });

  it('clips without cutting a surrogate pair and says how much is left out', () => {
    expect(clip('abc', 3)).toBe('abc');
    expect(clip('ab\u{1f600}cd', 3)).toBe('ab … (4 more characters)');
  });
});
