/** Events as they go out, and to whom no more should be written. */
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { EventStream } from '../../src/serve/event-stream.ts';

/** What a response is to a stream; `unread`: bytes that its client has not taken. */
function responseWith(unread: number) {
  const written: string[] = [];
  const response = {
    destroyed: false,
    writableEnded: false,
    headersSent: false,
    writableLength: unread,
    writeHead: () => {
      response.headersSent = true;
    },
    write: (text: string) => written.push(text),
    end: (text: string) => {
      written.push(text);
      response.writableEnded = true;
    },
  };
  return { stream: new EventStream(response as unknown as ServerResponse), response, written };
}

it('writes events and an end, once', () => {
  const { stream, response, written } = responseWith(0);
  expect(stream.send({ a: 'b\n' })).toBe(true);
  expect(response.headersSent).toBe(true);
  stream.end();
  stream.end();
  expect(stream.send({})).toBe(true);
  expect(written).toEqual(['data: {"a":"b\\n"}\n\n', 'data: [DONE]\n\n']);
});

it('says when a client leaves too much unread', () => {
  expect(responseWith(1_000_000).stream.send({})).toBe(true);
  expect(responseWith(9_000_000).stream.send({})).toBe(false);
});
