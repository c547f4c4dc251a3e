/** A page: its head (titles, authors) and body, with what Readability asks of a document. */
import { PageElement, PageText } from './page-dom.ts';

export class PageDocument {
  readonly documentElement: PageElement;
  readonly head: PageElement;
  readonly body: PageElement;
  /** Readability resolves no addresses: attributes that hold them are gone. */
  readonly baseURI = 'about:blank';
  readonly documentURI = 'about:blank';

  constructor(head = new PageElement('head'), body = new PageElement('body')) {
    this.documentElement = new PageElement('html');
    this.head = head;
    this.body = body;
    this.documentElement.appendChild(head);
    this.documentElement.appendChild(body);
  }

  get firstChild(): PageElement {
    return this.documentElement;
  }

  get title(): string {
    return this.head.first('title')?.textContent.trim() ?? '';
  }

  createElement(name: string): PageElement {
    return new PageElement(name.toLowerCase());
  }

  createTextNode(text: string): PageText {
    return new PageText(text);
  }

  getElementsByTagName(name: string): PageElement[] {
    return this.documentElement.getElementsByTagName(name);
  }

  querySelectorAll(names: string): PageElement[] {
    return this.documentElement.querySelectorAll(names);
  }

  /** The same page again, for an algorithm that takes its page apart. */
  copy(): PageDocument {
    return new PageDocument(this.head.copy(), this.body.copy());
  }
}
