/** Server-sent events as OpenAI's clients read them: `data: {...}` lines, then `data: [DONE]`. */
import type { ServerResponse } from 'node:http';

export class EventStream {
  private readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
  }

  /** Headers go out with the first event, so that what fails before it is still an error with a status. */
  send(data: unknown): void {
    const { response } = this;
    if (response.destroyed || response.writableEnded) return;
    if (!response.headersSent)
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
      });
    response.write(`data: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    if (!this.response.writableEnded) this.response.end('data: [DONE]\n\n');
  }
}
