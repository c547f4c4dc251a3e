/** Names and lines that say boilerplate, those that look alike and do not, and what they do to an article. */
import { describe, expect, it } from 'vitest';
import { isBoilerplateLine } from '../../src/extract/boilerplate-lines.ts';
import { NameJudge } from '../../src/extract/boilerplate-names.ts';
import { htmlToText } from '../../src/extract/html-to-text.ts';
import { PageElement } from '../../src/extract/page-dom.ts';

const judge = (className: string, tag = 'div', id = ''): { boilerplate: boolean; content: number } =>
  new NameJudge().judge(
    new PageElement(
      tag,
      new Map([
        ['class', className],
        ['id', id],
      ]),
    ),
  );

describe('names', () => {
  it.each([
    'relatedPosts',
    'share-buttons',
    'site_footer',
    'c-newsletter__form',
    'comment-list',
    'ad',
    'post-tags',
  ])('%s is boilerplate', (name) => expect(judge(name).boilerplate).toBe(true));
  it.each([
    'has-sidebar',
    'shared-lemma',
    'adjoint',
    'no-comments',
    'headline',
    'content-with-ads',
    'relation',
  ])('%s is not', (name) => expect(judge(name).boilerplate).toBe(false));
  it('takes no id for boilerplate that was made from a heading', () => {
    expect(judge('', 'section', 'general-recommendations-for-authors').boilerplate).toBe(false);
    expect(judge('', 'div', 'related-posts').boilerplate).toBe(true);
  });
  it('knows the body of an article', () => {
    expect(judge('entry-content sidebar').content).toBe(3);
    expect(judge('', 'article').content).toBe(2);
    expect(judge('', 'main').content).toBe(1);
    expect(judge('wrapper').content).toBe(0);
  });
});

describe('lines', () => {
  it.each([
    ['Advertisement', 0, false],
    ['Share this article', 0, false],
    ['© 2013 Example News. All rights reserved.', 0, false],
    ['Sign up for our daily newsletter and get it in your inbox', 0, false],
    ['By Jane Doe', 0, true],
    ['Published March 3, 2019, 10:15 am', 0, true],
    ['Read more: What a group is', 1, false],
  ])('%s goes', (text, linked, atEdge) => {
    expect(isBoilerplateLine(text, linked, atEdge)).toBe(true);
  });
  it.each([
    ['Read more books than you can carry, she said.', 0, false],
    ['By induction the claim follows.', 0, true],
    ['By Jane Doe', 0, false],
    ['More is different.', 0, false],
    ['我们的邮箱是 a@b.cn 欢迎来信', 0, true],
    ['Related rates are a use of the chain rule.', 0, false],
  ])('%s stays', (text, linked, atEdge) => {
    expect(isBoilerplateLine(text, linked, atEdge)).toBe(false);
  });
});

describe('articles', () => {
  const prose = (about: string): string =>
    `<p>The ${about} was built before the war, and it stood there for years, until the river took it away. Nobody knew why it had been built at all, or who had paid for it.</p>`;
  const article = ['bridge', 'tower', 'mill', 'wall', 'gate', 'harbour'].map(prose);

  it('leaves out what stands in an article and is none of it', () => {
    const { text } = htmlToText(
      `<body><div class="wrapper"><div class="entry-content">${article.slice(0, 3).join('')}<div class="related-posts"><p>Ten more mills you have to see before they fall into the sea, with pictures.</p></div>${article.slice(3).join('')}<p>Advertisement</p><p>© 2020 Example. All rights reserved.</p></div><div class="author-bio"><p>Jane Doe writes about rivers and mills, and she lives in the north with a dog and two cats.</p></div></div></body>`,
    );
    expect(text.split('\n\n')).toHaveLength(6);
    expect(text).not.toMatch(/Ten more|Advertisement|Jane|rights/);
  });

  it('takes no boilerplate name seriously that holds most of the text', () => {
    const { text } = htmlToText(`<body><div class="sidebar-right">${article.join('')}</div></body>`);
    expect(text).toContain('harbour');
  });

  it('keeps every post of a thread', () => {
    const post = (name: string): string =>
      `<div class="question-or-answer"><div class="s-prose">${prose(name)}${prose(`old ${name}`)}</div></div>`;
    const { text } = htmlToText(
      `<body><h1>Why was it built?</h1>${['bridge', 'tower', 'mill'].map(post).join('')}</body>`,
    );
    for (const name of ['bridge', 'tower', 'mill']) expect(text).toContain(`old ${name}`);
  });
});
