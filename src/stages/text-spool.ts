/** Records set aside on disk while it is not known which of them will be used, so that inputs are read once. Gone when closed. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { cannotWrite } from '../io/atomic.ts';

/** Where a record lies. */
export interface SpoolPlace {
  at: number;
  length: number;
}

export class TextSpool<T> {
  private readonly path: string;
  private readonly handle: FileHandle;
  private end = 0;
  /** Records so far. */
  records = 0;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.handle = handle;
  }

  static async create<T>(path: string): Promise<TextSpool<T>> {
    const handle = await open(path, 'w+').catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    return new TextSpool<T>(path, handle);
  }

  async append(record: T): Promise<SpoolPlace> {
    const bytes = Buffer.from(JSON.stringify(record));
    const at = this.end;
    try {
      for (let done = 0; done < bytes.length; )
        done += (await this.handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
    this.end += bytes.length;
    this.records++;
    return { at, length: bytes.length };
  }

  async read({ at, length }: SpoolPlace): Promise<T> {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, at + done);
      if (bytesRead === 0) throw new Error(`${this.path} is shorter than what was written to it`);
      done += bytesRead;
    }
    return JSON.parse(bytes.toString('utf8')) as T;
  }

  async remove(): Promise<void> {
    await this.handle.close();
    await rm(this.path, { force: true });
  }
}
