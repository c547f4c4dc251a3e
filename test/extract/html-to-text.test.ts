/** Main text: blocks on lines of their own, boilerplate gone, dropped prose put back, nothing fetched or run. */
import { describe, expect, it } from 'vitest';
import { htmlToText } from '../../src/extract/html-to-text.ts';

const sentence =
  'A group is a set with one operation that is associative, has a neutral element, and lets every element be undone. ';

describe('htmlToText', () => {
  it('puts paragraphs, list items, rows and code on lines of their own', () => {
    const { text } = htmlToText(
      `<html><head><title>Groups</title></head><body><article><p>${sentence.repeat(5)}</p><ul><li>closed under it</li><li>has <b>inverses</b></li></ul>
       <table><tr><th>n</th><th>order</th></tr><tr><td>1</td><td>one</td></tr></table><pre>gap&gt; g := 1;\n  2</pre><ol><li>first</li><li>second</li></ol><p>${sentence}<br>next line</p></article></body></html>`,
    );
    expect(text.split('\n\n').slice(1)).toEqual([
      '- closed under it\n- has inverses',
      '| n | order |\n| 1 | one |',
      'gap> g := 1;\n  2',
      '1. first\n2. second',
      `${sentence.trim()}\nnext line`,
    ]);
  });

  it('drops navigation, scripts, styles and forms and keeps the title', () => {
    const links =
      '<li><a href="/a">Home page</a></li><li><a href="/b">All entries</a></li><li><a href="/c">Contact us</a></li>';
    const { text, title } = htmlToText(
      `<html><head><title>On groups</title><style>p{}</style></head><body><nav><ul>${links}</ul></nav><script>document.write('<p>no</p>')</script>
       <article><p>${sentence.repeat(3)}</p><p>${sentence.repeat(3)}</p></article><form><select><option>Pick</option></select><button>Send</button></form><footer><ul>${links}</ul>Copyright</footer></body></html>`,
    );
    expect(text).toBe(`${sentence.repeat(3).trim()}\n\n${sentence.repeat(3).trim()}`);
    expect(title).toBe('On groups');
  });

  it('puts back a short theorem that Readability leaves out between long paragraphs', () => {
    const block = (inner: string): string => `<div class="para"><p>${inner}</p></div>`;
    const { text } = htmlToText(
      `<html><body><article>${block(sentence.repeat(6))}${block('Then <a href="/n">n</a> <a href="/is">is</a> \\(n^2\\).')}${block(sentence.repeat(6))}</article></body></html>`,
    );
    expect(text).toContain('Then n is \\(n^2\\).');
  });

  it('keeps the text of a page too short to be an article', () => {
    expect(htmlToText('<html><body><div>Short \\(x\\).</div></body></html>').text).toBe('Short \\(x\\).');
  });

  it('takes the page without boilerplate when Readability would cost too much', () => {
    const { text, route } = htmlToText(
      `<body><div class="sidebar"><a href="/">one</a> <a href="/">two</a></div><div><p>${sentence}</p><p>Then \\(x\\).</p></div></body>`,
      { limits: { readabilityWork: 0 } },
    );
    expect(text).toBe(`${sentence.trim()}\n\nThen \\(x\\).`);
    expect(route).toBe('pruned');
  });

  it('reads a fragment without html and body', () => {
    expect(htmlToText('<p>one</p><p>two').text).toBe('one\n\ntwo');
  });

  it('answers empty text for an empty page', () => {
    expect(htmlToText('')).toMatchObject({ text: '', title: undefined, mathSpans: 0 });
  });

  it('gives the same text twice', () => {
    const html = `<body><div><p>${sentence.repeat(3)} \\(x\\)</p><p>y</p></div></body>`;
    expect(htmlToText(html)).toEqual(htmlToText(html));
  });

  it('leaves out what is hidden', () => {
    const { text } = htmlToText(
      `<body><p>${sentence.repeat(6)}</p><p style="display: none">secret</p><p hidden>secret</p></body>`,
    );
    expect(text).not.toContain('secret');
  });

  it('does not take private-use characters of the page for its own marks', () => {
    const { text, mathSpans } = htmlToText(`<body><p>${sentence.repeat(6)} \uE000x\uE002 end</p></body>`);
    expect(text).toContain('x end');
    expect(mathSpans).toBe(0);
  });
});
