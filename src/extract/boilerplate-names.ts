/**
 * What an element's tag, role, class and id say about it: boilerplate around the content, or the content itself.
 *
 * Names are cut into words (`relatedPosts` and `related-posts` are `related posts`) and looked up; the lists are the names that
 * publishing systems and sites use, gathered from the rules of Readability, trafilatura (settings and XPaths), Defuddle and
 * jusText's authors, and from pages read by hand. A name is evidence, not proof: callers check how much of the page it would take.
 */
import type { PageElement } from './page-dom.ts';

const boilerplateTags = new Set('nav footer aside dialog menu'.split(' '));
const boilerplateRoles = new Set(
  'navigation banner contentinfo search complementary menu menubar toolbar dialog alertdialog alert tablist'.split(
    ' ',
  ),
);
/** One word says it. */
const words = new Set(
  (
    'nav navbar navigation navigacio breadcrumb breadcrumbs sidebar footer masthead menu submenu cookie cookies consent gdpr ' +
    'advert advertisement advertising ads adsense adslot sponsor sponsored promo promos promoted promotion newsletter newsletters ' +
    'subscribe subscription signup login share shares sharing sharebar sharethis social socials sharedaddy addthis addtoany ' +
    'jp-relatedposts related relatedposts recommended recommendations recirc outbrain taboola disqus comments commentlist ' +
    'pingback trackback trackbacks trending popular mostread pagination pager paginator toolbar popup modal lightbox skiplink ' +
    'tagcloud taglist hashtags byline authorbio authorbox copyright colophon donate donation hatnote navbox catlinks ' +
    'printfooter headerlink teaser teasers widget widgets'
  ).split(' '),
);
/** Two words in a row say it. */
const pairs = new Set(
  (
    'author bio,author box,author info,about author,author card,post meta,entry meta,article meta,post tags,entry tags,article tags,' +
    'tag list,tag links,entry footer,post footer,article footer,read more,read next,up next,more stories,more news,most read,' +
    'most popular,see also,also like,you may,skip link,skip to,jump to,site header,page header,site footer,page footer,top bar,' +
    'sign up,email signup,call to,back to,table contents,post navigation,nav links,comment list,comment form,comment respond,' +
    'comments area,comment section,print only,screen reader,sr only,visually hidden,ad slot,ad container,ad unit,ad wrapper,' +
    'ad label,in read,follow us,follow buttons,language switcher,edit section,editsection link'
  ).split(','),
);
/** The content itself: names that templates give the element around the body of an article, and nothing else. */
const bodyNames = new Set(
  (
    'articlebody,article body,article content,article text,entry content,post content,post body,post text,post entry,story body,' +
    'story content,story text,news body,news text,news content,body text,text content,blog content,blog post content,page content,' +
    'main text,article main,article detail,content body,body content,article copy,body copy,story copy,zn body,mw parser output,' +
    'mw content text,markdown body,ltx page content,ltx page main,s prose,rst content,theme doc markdown,devsite article body,articlecontent,storybody,postbody,' +
    'postcontent,entrycontent,newsbody,articletext,fulltext,field name body'
  ).split(','),
);
const mainNames = new Set(
  'content,main,main content,maincontent,primary,body,article,post,entry,story,document'.split(','),
);

export interface NameVerdict {
  readonly boilerplate: boolean;
  /** 3: body of an article by name; 2: `article`; 1: `main` and its like; 0: nothing. */
  readonly content: 0 | 1 | 2 | 3;
}

/** Verdicts on one page's elements; equal names are judged once. */
export class NameJudge {
  private readonly known = new Map<string, NameVerdict>();

  judge(element: PageElement): NameVerdict {
    const { localName, className, id } = element;
    const role = element.getAttribute('role') ?? '';
    const property = element.getAttribute('itemprop') ?? '';
    const key = `${localName} ${role} ${property}\n${className}\n${id}`;
    let verdict = this.known.get(key);
    if (verdict === undefined) {
      verdict = judge(localName, role, property, className, id);
      this.known.set(key, verdict);
    }
    return verdict;
  }
}

function judge(tag: string, role: string, property: string, className: string, id: string): NameVerdict {
  const names = className
    .split(/\s+/)
    .filter((name) => name !== '')
    .slice(0, 24)
    .map(wordsOf);
  // A longer id is made from a heading (`general-recommendations-for-authors`).
  const idWords = wordsOf(id);
  if (idWords.length <= 3) names.push(idWords);
  let boilerplate = boilerplateTags.has(tag) || boilerplateRoles.has(role);
  let body = /articleBody|text/.test(property) && /^(?:articleBody|text)$/.test(property);
  let main = tag === 'main' || role === 'main';
  for (const name of names) {
    const joined = name.join(' ');
    if (bodyNames.has(joined)) body = true;
    else if (mainNames.has(joined)) main = true;
    boilerplate ||= sayBoilerplate(name);
  }
  if (body) return { boilerplate: false, content: 3 };
  if (tag === 'article' || role === 'article') return { boilerplate: false, content: 2 };
  return { boilerplate, content: main ? 1 : 0 };
}

function sayBoilerplate(name: readonly string[]): boolean {
  for (let at = 0; at < name.length; at++) {
    const word = name[at] ?? '';
    // `has-sidebar`, `no-comments`, `with-ads` say how a page is laid out.
    if (/^(?:has|no|with|without|is|hide|show|u|js)$/.test(word)) return false;
    if (words.has(word) || pairs.has(`${word} ${name[at + 1] ?? ''}`)) return true;
  }
  return name.length === 1 && name[0] === 'ad';
}

/** `relatedPosts__item-2` to `related posts item 2`. */
function wordsOf(name: string): string[] {
  return name
    .slice(0, 80)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}
