/** Which pages may call a server on this machine, over HTTP as a browser sends it. No model: a small server that admits or refuses. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { ApiError } from '../../src/serve/api-error.ts';
import { admit, answerPreflight, type CallerRules } from '../../src/serve/callers.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Sends headers to a server with these rules; gives the status and the headers. */
async function ask(rules: Partial<CallerRules>, headers: Record<string, string>, method = 'POST') {
  const server = createServer((request, response) => {
    try {
      admit(request, response, { host: '127.0.0.1', allowOrigins: [], ...rules });
      if (request.method === 'OPTIONS') answerPreflight(request, response);
      else response.end();
    } catch (error) {
      const { status, body } = error as ApiError;
      response.writeHead(status).end(JSON.stringify(body));
    }
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sent = httpRequest({
    port,
    host: '127.0.0.1',
    method,
    headers: { host: `127.0.0.1:${port}`, ...headers },
  });
  sent.end();
  const [answer] = await once(sent, 'response');
  let text = '';
  for await (const part of answer) text += part;
  return { status: answer.statusCode, headers: answer.headers, text };
}

it.each([
  ['a program: no origin', {}, {}, 200],
  ['a page of this machine', {}, { origin: 'http://localhost:3000' }, 200],
  ['one by address', {}, { origin: 'https://127.0.0.1' }, 200],
  ['one by its IPv6 address', {}, { origin: 'http://[::1]:8080' }, 200],
  ['a page of another site', {}, { origin: 'https://evil.example' }, 403],
  ['a site that begins like this machine', {}, { origin: 'http://localhost.evil.example' }, 403],
  ['a frame without an origin', {}, { origin: 'null' }, 403],
  ['a browser extension', {}, { origin: 'chrome-extension://abc' }, 403],
  [
    'a page that is allowed',
    { allowOrigins: ['https://chat.example'] },
    { origin: 'https://chat.example' },
    200,
  ],
  [
    'another port of it',
    { allowOrigins: ['https://chat.example'] },
    { origin: 'https://chat.example:444' },
    403,
  ],
  ['any page', { allowOrigins: ['*'] }, { origin: 'null' }, 200],
  ['a name made to point here', {}, { host: 'evil.example:8000' }, 403],
  ['that name, with its origin', {}, { host: 'evil.example', origin: 'http://evil.example' }, 403],
  ['that name, where any page may', { allowOrigins: ['*'] }, { host: 'evil.example' }, 403],
  ['a name on a network', { host: '0.0.0.0' }, { host: 'gpu-box:8000' }, 200],
  [
    'a page of a name on a network',
    { host: '0.0.0.0' },
    { host: 'a.example', origin: 'http://a.example' },
    403,
  ],
])('%s', async (_, rules: Partial<CallerRules>, headers: Record<string, string>, status) => {
  const answer = await ask(rules, headers);
  expect(answer.status).toBe(status);
  // A page may read the answer only where it may call.
  expect(answer.headers['access-control-allow-origin']).toBe(
    status === 200 && 'origin' in headers ? headers.origin : undefined,
  );
  if (status === 403) expect(JSON.parse(answer.text).error.code).toMatch(/^wrong_(host|origin)$/);
});

it('answers what a browser asks first', async () => {
  const asked = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type, x-stainless-os',
  };
  const yes = await ask({}, { origin: 'http://localhost:3000', ...asked }, 'OPTIONS');
  expect(yes.status).toBe(204);
  expect(yes.headers).toMatchObject({
    'access-control-allow-origin': 'http://localhost:3000',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'content-type, x-stainless-os',
  });
  expect((await ask({}, { origin: 'https://evil.example', ...asked }, 'OPTIONS')).status).toBe(403);
});
