/**
 * The worker behind inspect-file.ts: answers one footer request at a time.
 */
import { parentPort } from 'node:worker_threads';
import { InputError, messageOf } from '../core/errors.ts';
import { planDocumentColumns } from './document-columns.ts';
import type { InspectAnswer, InspectRequest } from './inspect-file.ts';
import { openParquet, rowsOf } from './parquet-footer.ts';

async function inspect({ path, document }: InspectRequest): Promise<InspectAnswer> {
  try {
    const file = await openParquet(path);
    await file.handle.close();
    if (document !== undefined) planDocumentColumns(file.schema, document);
    const rowGroups = file.metadata.row_groups.map((group) => {
      const metas = group.columns.map((column) => column.meta_data!);
      return {
        rows: rowsOf(group),
        bytes: metas.reduce((sum, meta) => sum + Number(meta.total_compressed_size), 0),
        uncompressed: metas.reduce((sum, meta) => sum + Number(meta.total_uncompressed_size), 0),
      };
    });
    const columns = file.schema.fields.map((field) => ({ name: field.name, type: String(field.type) }));
    return {
      inspection: { rows: rowGroups.reduce((sum, group) => sum + group.rows, 0), rowGroups, columns },
    };
  } catch (error) {
    if (!(error instanceof InputError)) return { error: { problem: messageOf(error) } };
    const { problem, place, hint } = error;
    return {
      error: { problem, ...(place === undefined ? {} : { place }), ...(hint === undefined ? {} : { hint }) },
    };
  }
}

parentPort?.on('message', (request: InspectRequest) => {
  void inspect(request).then((answer) => parentPort?.postMessage(answer));
});
parentPort?.postMessage('ready');
