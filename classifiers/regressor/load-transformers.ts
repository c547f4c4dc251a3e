/**
 * transformers.js, loaded when the first model is opened: it is an optional package (ONNX Runtime is 290 MB on disk), and nothing else of
 * midtrain needs it. It never reaches for the network here: models on the Hub are fetched by src/io/hub.ts, with their checksums.
 */
import { messageOf, UserError } from '../../src/core/errors.ts';

type Transformers = typeof import('@huggingface/transformers');

/** `--onnxruntime-node-install=skip`: its install script would fetch CUDA libraries (200 MB) from api.nuget.org on Linux. */
const installCommand = 'npm install @huggingface/transformers@4.3.1 --onnxruntime-node-install=skip';

let loaded: Promise<Transformers> | undefined;

/** Throws a `UserError` with the command that installs the package where it is missing. */
export function loadTransformers(): Promise<Transformers> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Transformers> {
  let transformers: Transformers;
  try {
    transformers = await import('@huggingface/transformers');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    throw new UserError(
      missing
        ? 'embedding regressors need the package @huggingface/transformers, which is not installed'
        : `the package @huggingface/transformers does not load: ${messageOf(cause)}`,
      { hint: `run: ${installCommand}`, cause },
    );
  }
  const { env, LogLevel } = transformers;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useFSCache = false;
  // It would print warnings; what is wrong is thrown as well.
  env.logLevel = LogLevel.NONE;
  return transformers;
}
