/** HTML becomes the tree a browser would show: implied ends, mis-nested tags, references, limits. */
import { describe, expect, it } from 'vitest';
import { buildPage } from '../../src/extract/build-page.ts';
import { decodeReferences } from '../../src/extract/character-references.ts';
import { defaultLimits } from '../../src/extract/limits.ts';
import type { PageElement } from '../../src/extract/page-dom.ts';

function outline(element: PageElement): string {
  return element.childNodes
    .map((node) => (node.nodeType === 3 ? node.nodeValue : `${node.localName}(${outline(node)})`))
    .join('');
}
const tree = (html: string): string => outline(buildPage(html, defaultLimits).document.body);

describe('buildPage', () => {
  it.each([
    ['an unclosed paragraph ends at a block', '<p>a<div>b</div>', 'p(a)div(b)'],
    ['through formatting too', '<p><b>a<ul><li>b</ul>', 'p(b(a))ul(li(b))'],
    [
      'items end items, not those of an inner list',
      '<ul><li>a<ul><li>b</ul><li>c</ul>',
      'ul(li(aul(li(b)))li(c))',
    ],
    [
      'rows and cells end each other',
      '<table><tr><td>a<td>b<tr><td>c</table>',
      'table(tr(td(a)td(b))tr(td(c)))',
    ],
    [
      'an end tag stays in its cell',
      '<div><table><tr><td></div>a</td></tr></table></div>b',
      'div(table(tr(td(a))))b',
    ],
    ['a link that closes around an open block leaves it open', '<a>a<div>b</a>c</div>d', 'a(adiv(bc))d'],
    ['links do not nest', '<a>a<a>b</a>', 'a(a)a(b)'],
    ['a stray end tag is nothing', 'a</div></b>b', 'ab'],
    ['headings end headings', '<h2>a<h3>b</h3>', 'h2(a)h3(b)'],
    ['definitions', '<dl><dt>a<dd>b<dt>c</dl>', 'dl(dt(a)dd(b)dt(c))'],
    ['a comment', 'a<!-- <p> -->b<!-->c', 'abc'],
    ['an unclosed comment ends at the next bracket', 'a<!-- b>c', 'ac'],
    ['character data', 'a<![CDATA[<b>]]>c', 'a<b>c'],
    [
      'scripts, styles and drawings are gone',
      'a<script>"</p>"</script><style>p{}</style><svg><text>x</text></svg>b',
      'ab',
    ],
    ['a formula script stays raw', '<script type="math/tex">a<b</script>', 'mt-script(a<b)'],
    ['a bracket that opens nothing', '1 < 2 <3', '1 < 2 <3'],
    ['forms and their labels', '<form><label>a</label><button>go</button></form>', 'form(a)'],
  ])('%s', (_name, html, expected) => {
    expect(tree(html)).toBe(expected);
  });

  it('leaves out tags beyond the depth, keeps their text, and finds the way back', () => {
    const { document } = buildPage('<div><div><div>a</div>b</div></div><p>c</p>', {
      ...defaultLimits,
      depth: 2,
    });
    expect(outline(document.body)).toBe('div(div(ab))p(c)');
  });
});

describe('decodeReferences', () => {
  it.each([
    ['&amp;&lt;&#65;&#x42;', '&<AB'],
    ['&nbsp;&le;&InvisibleTimes;', '\u00a0≤\u2062'],
    ['&copy 2013 &notin; &notit;', '© 2013 ∉ ¬it;'],
    ['&#150;&#0;&#xD800;', '–\u0020\ufffd'],
    ['&unknown; & &;', '&unknown; & &;'],
    ['&#xE000;', ' '],
  ])('resolves %j', (source, text) => {
    expect(decodeReferences(source)).toBe(text);
  });

  it('leaves parameters of an address alone', () => {
    expect(decodeReferences('?a=1&copy=2&amp;x', true)).toBe('?a=1&copy=2&x');
  });
});
