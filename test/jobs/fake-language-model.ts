/**
 * A chat endpoint on loopback that grades and rewrites by simple rules, the same for the same document, and counts what it answered in
 * full: for each task and document, how many answers went out whole. It can freeze: from a given request on it answers nothing until the
 * test has killed its client, so that what is counted as answered is what the client has had time to write down.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Task = 'label' | 'refine';

export class FakeLanguageModel {
  /** Answers that went out whole, by `<task> <mark of the document>`. */
  readonly answered = new Map<string, number>();
  requests = 0;
  /** Requests of one task that were answered in full. */
  readonly byTask: Record<Task, number> = { label: 0, refine: 0 };
  private readonly server: Server;
  private freezeAt: { task: Task; count: number; reached: () => void } | undefined;
  private frozen = false;
  private waiting: ServerResponse[] = [];

  private constructor() {
    this.server = createServer((request, response) => {
      this.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<FakeLanguageModel> {
    const model = new FakeLanguageModel();
    await new Promise<void>((resolve) => model.server.listen(0, '127.0.0.1', resolve));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Documents that were answered more than once. */
  get paidTwice(): string[] {
    return [...this.answered].filter(([, times]) => times > 1).map(([key]) => key);
  }

  /** Stops answering when `count` answers of `task` have gone out; `reached` settles then. `thaw` goes on. */
  freezeAfter(task: Task, count: number): Promise<void> {
    return new Promise((resolve) => {
      this.freezeAt = { task, count, reached: resolve };
    });
  }

  thaw(): void {
    this.freezeAt = undefined;
    this.frozen = false;
    for (const response of this.waiting) response.destroy();
    this.waiting = [];
  }

  async close(): Promise<void> {
    this.thaw();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece as string;
    this.requests++;
    if (this.frozen) {
      this.waiting.push(response);
      return;
    }
    const { messages, model } = JSON.parse(body) as { messages: { content: string }[]; model: string };
    const prompt = messages[0]!.content;
    const [, mark, text] = /\[begin (document \w+)\]\n([\s\S]*?)\n\[end \1\]/.exec(prompt)!;
    const task: Task = /score: ?</i.test(prompt.replace(text!, '')) ? 'label' : 'refine';
    const content = task === 'label' ? grade(text!, prompt) : rewrite(text!);
    const usage = {
      prompt_tokens: Math.ceil(prompt.length / 4),
      completion_tokens: Math.ceil(content.length / 4),
    };
    const answer = JSON.stringify({
      object: 'chat.completion',
      model,
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
      usage,
    });
    const { freezeAt } = this;
    response.on('finish', () => {
      const key = `${task} ${mark!}`;
      this.answered.set(key, (this.answered.get(key) ?? 0) + 1);
      this.byTask[task]++;
    });
    response.setHeader('content-type', 'application/json');
    if (freezeAt?.task === task && this.byTask[task] + 1 >= freezeAt.count) {
      this.frozen = true;
      response.on('finish', () => freezeAt.reached());
    }
    response.end(answer);
  }
}

/** 0 to 5 by how much of the text looks like mathematics, with the line that the rubric asks for. */
function grade(text: string, prompt: string): string {
  const signs =
    text.match(/[$=+^]|\\[a-z]+|\b(?:theorem|proof|equation|integer|polynomial|function)s?\b/gi)?.length ?? 0;
  const score = Math.min(5, Math.floor((500 * signs) / Math.max(40, text.length)));
  return `It has ${signs} signs of mathematics.\n${prompt.includes('Final score') ? 'Final score' : 'Score'}: ${score}`;
}

/** The text with its lines numbered anew: never a copy, never much shorter. */
function rewrite(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n\n')
    .replace(/^/, 'In short. ');
}
