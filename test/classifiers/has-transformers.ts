/** Whether transformers.js is installed: a development dependency that may be missing where ONNX Runtime has no binaries. */
export const hasTransformers: boolean = await import('@huggingface/transformers').then(
  () => true,
  () => {
    process.stderr.write('skipped: @huggingface/transformers is not installed (npm run setup)\n');
    return false;
  },
);
