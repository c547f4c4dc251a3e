/**
 * Hashes of files, read as a stream: sha256 for output checksums, and a fast content fingerprint for inputs.
 *
 * The fingerprint is xxHash64 over the size and the content; of files above `fullLimit` it takes 64 evenly spaced blocks of 256 KiB
 * (first and last among them), so planning does not read a terabyte. Gives up: a change between the blocks that keeps the size is not seen.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { hash64Hex, initHash64 } from '../core/hash64.ts';

export const fullLimit = 64 * 1024 * 1024;
const blocks = 64;
const blockBytes = 256 * 1024;

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Size and content fingerprint (16 hex digits) of a file. */
export async function fingerprintFile(path: string): Promise<{ bytes: number; fingerprint: string }> {
  await initHash64();
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const parts: Buffer[] = [Buffer.from(`${size}\n`)];
    const read = async (start: number, length: number): Promise<void> => {
      const buffer = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(buffer, 0, length, start);
      parts.push(buffer.subarray(0, bytesRead));
    };
    if (size <= fullLimit) {
      // Hash piece by piece, so that memory stays at one piece and the hashes of the pieces.
      for (let at = 0; at < size; at += 4 << 20) {
        await read(at, Math.min(4 << 20, size - at));
        parts.push(Buffer.from(hash64Hex(parts.pop()!)));
      }
    } else {
      for (let i = 0; i < blocks; i++)
        await read(Math.floor(((size - blockBytes) * i) / (blocks - 1)), blockBytes);
    }
    return { bytes: size, fingerprint: hash64Hex(Buffer.concat(parts)) };
  } finally {
    await handle.close();
  }
}
