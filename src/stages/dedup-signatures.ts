/** The signature files of one unit, one per dedup step: `dedup/<step>/<unit>.signatures`, of every document with text, dropped or not. */
import { join } from 'node:path';
import { type DocumentSigner, exactSigner, minHashSigner, urlSigner } from '../dedup/document-signature.ts';
import { SignatureWriter } from '../dedup/signature-writer.ts';
import { AtomicFile } from '../io/atomic.ts';
import type { DedupStep } from './resolved-filter.ts';
import type { OutputFile } from './unit-report.ts';

export interface StepSignatures {
  step: DedupStep['name'];
  file: OutputFile;
}

export function signaturesPath(step: DedupStep['name'], unit: string): string {
  return join('dedup', step, `${unit}.signatures`);
}

/** What the step compares. */
export function signerOf(step: DedupStep): DocumentSigner {
  if (step.name === 'exact') return exactSigner();
  return step.minhash === undefined ? urlSigner() : minHashSigner(step.minhash);
}

interface StepWriter {
  step: DedupStep['name'];
  signer: DocumentSigner;
  writer: SignatureWriter;
  path: string;
  file: AtomicFile | undefined;
}

export class SignatureWriters {
  private readonly folder: string;
  private readonly writers: readonly StepWriter[];

  /** Needs `initHash64` to have been awaited once. */
  constructor(folder: string, unit: string, steps: readonly DedupStep[]) {
    this.folder = folder;
    this.writers = steps.map((step) => {
      const signer = signerOf(step);
      return {
        step: step.name,
        signer,
        writer: new SignatureWriter(signer),
        path: signaturesPath(step.name, unit),
        file: undefined,
      };
    });
  }

  add(index: number, text: string, url: string | null): void {
    for (const { step, signer, writer } of this.writers) {
      const input = step === 'url' ? url : text;
      const words = input === null ? undefined : signer.sign(input);
      if (words !== undefined) writer.add(index, words);
    }
  }

  /** Writes the segments that are full; called between batches, since `add` cannot wait. */
  async flush(): Promise<void> {
    for (const writer of this.writers) await this.write(writer, writer.writer.drain());
  }

  async finish(): Promise<StepSignatures[]> {
    const done: StepSignatures[] = [];
    for (const writer of this.writers) {
      const file = await this.write(writer, writer.writer.finish());
      done.push({
        step: writer.step,
        file: { path: writer.path, rows: writer.writer.count, ...(await file.commit()) },
      });
    }
    return done;
  }

  async abort(): Promise<void> {
    for (const { file } of this.writers) await file?.abort();
  }

  private async write(writer: StepWriter, pieces: readonly Uint8Array[]): Promise<AtomicFile> {
    writer.file ??= await AtomicFile.create(join(this.folder, writer.path));
    for (const piece of pieces) await writer.file.write(piece);
    return writer.file;
  }
}
