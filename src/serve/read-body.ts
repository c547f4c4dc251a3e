/**
 * The body of a request, within bounds of size, time and memory, and what happens to a body that is not wanted.
 *
 * A connection that is closed while its client still writes is reset, and the client then sees the reset, not the answer. So who refuses a request
 * answers at once, goes on reading what comes, throws it away, and only then closes (nginx's lingering close): up to a number of bytes and for a
 * short time, whichever ends first. A client that announces its body (`Expect: 100-continue`, curl above 1 MB) is refused before it sends it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../core/errors.ts';
import { ApiError, badRequest } from './api-error.ts';

export interface BodyLimits {
  /** Bytes of one body. */
  maxBody: number;
  /** Time that a body may take to come. */
  bodyTimeoutMs: number;
  /** Of a refused body: bytes that are read and thrown away, and the time for it. */
  drainBytes: number;
  drainMs: number;
}

/** Bodies of this many times the largest may be in memory at once. */
const bodiesAtOnce = 16;

export class BodyReader {
  private readonly limits: BodyLimits;
  private held = 0;

  constructor(limits: BodyLimits) {
    this.limits = limits;
  }

  /** The body, parsed. Throws a 400 for what is not JSON, 413 beyond the size, 408 beyond the time, 503 where memory is short. */
  async json(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
      throw badRequest('send the request as JSON, with content-type: application/json');
    if (Number(request.headers['content-length'] ?? 0) > this.limits.maxBody) throw this.tooLarge();
    if (request.headers.expect !== undefined) response.writeContinue();
    const text = (await this.read(request)).toString('utf8');
    try {
      return JSON.parse(text);
    } catch (error) {
      throw badRequest(`the body is not JSON: ${messageOf(error)}`);
    }
  }

  private read(request: IncomingMessage): Promise<Buffer> {
    const { maxBody, bodyTimeoutMs } = this.limits;
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let size = 0;
      const stop = (): void => {
        clearTimeout(timer);
        request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
        this.held -= size;
      };
      const refuse = (error: unknown): void => {
        request.pause();
        stop();
        reject(error);
      };
      const onData = (part: Buffer): void => {
        size += part.length;
        this.held += part.length;
        parts.push(part);
        if (size > maxBody) refuse(this.tooLarge());
        else if (this.held > bodiesAtOnce * maxBody)
          refuse(
            new ApiError(503, 'too many large requests at once; try again later', { code: 'overloaded' }),
          );
      };
      const onEnd = (): void => {
        stop();
        resolve(Buffer.concat(parts));
      };
      const onClose = (): void => refuse(new Error('the client has gone'));
      const timer = setTimeout(
        () =>
          refuse(
            new ApiError(408, `the body did not come within ${bodyTimeoutMs / 1000} seconds`, {
              code: 'request_timeout',
            }),
          ),
        bodyTimeoutMs,
      );
      request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
    });
  }

  /** Ends an answer whose headers and text are written already, after what is left of the request's body has been read or has had its time. */
  linger(request: IncomingMessage, response: ServerResponse): void {
    const { drainBytes, drainMs } = this.limits;
    let size = 0;
    const end = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', end);
      if (!response.writableEnded) response.end();
    };
    const onData = (part: Buffer): void => {
      size += part.length;
      if (size > drainBytes) end();
    };
    const timer = setTimeout(end, drainMs);
    request.on('data', onData).on('end', end);
    // A reset from here on is the client's own doing.
    request.on('error', end);
    response.on('close', end);
    request.resume();
  }

  private tooLarge(): ApiError {
    return new ApiError(413, `the body is larger than ${this.limits.maxBody} bytes`, {
      code: 'body_too_large',
    });
  }
}
