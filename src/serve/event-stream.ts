/** Server-sent events as OpenAI's clients read them: `data: {...}` lines, then `data: [DONE]`. */
import type { ServerResponse } from 'node:http';

/** Bytes of events that may wait for a client to read them. */
const mostUnread = 8_000_000;

export class EventStream {
  private readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
  }

  /**
   * Headers go out with the first event, so that what fails before it is still an error with a status. False when the client has left so much
   * unread that no more should be written for it.
   */
  send(data: unknown): boolean {
    const { response } = this;
    if (response.destroyed || response.writableEnded) return true;
    if (!response.headersSent)
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
      });
    response.write(`data: ${JSON.stringify(data)}\n\n`);
    return response.writableLength <= mostUnread;
  }

  end(): void {
    if (!this.response.writableEnded) this.response.end('data: [DONE]\n\n');
  }
}
