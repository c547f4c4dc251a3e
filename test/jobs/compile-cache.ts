/** Compiled code of worker threads and child processes, kept between them: each would else load some 200 modules anew. Import it first. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';

process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'midtrain-test-compile-cache');
