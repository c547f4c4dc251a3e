/** The hashes by which the Hub knows a file: sha256 of a large one, git's blob sha1 of a small one. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** The hash of the first `bytes` bytes of an open file. */
export async function handleOid(
  handle: FileHandle,
  { large, bytes }: { large: boolean; bytes: number },
): Promise<string> {
  const hash = createHash(large ? 'sha256' : 'sha1');
  if (!large) hash.update(`blob ${bytes}\0`);
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}

/** Both hashes of a file, in one pass. */
export async function fileOids(path: string): Promise<{ bytes: number; sha256: string; blob: string }> {
  const handle = await open(path);
  try {
    const { size: bytes } = await handle.stat();
    const sha256 = createHash('sha256');
    const blob = createHash('sha1').update(`blob ${bytes}\0`);
    const buffer = Buffer.allocUnsafe(1 << 20);
    let at = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      sha256.update(buffer.subarray(0, bytesRead));
      blob.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    if (at !== bytes) throw new Error(`${path} changed its size from ${bytes} to ${at} while it was read`);
    return { bytes, sha256: sha256.digest('hex'), blob: blob.digest('hex') };
  } finally {
    await handle.close();
  }
}
