/**
 * Run as a child process on Node >= 24: tries one adapter entry (JSON in argv[2], `{}` for the machine's own drivers) and
 * prints what Dawn finds. A child, because a bad driver may crash and because a process keeps the first Vulkan it opens.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from './places.js';

const entry = JSON.parse(process.argv[2]);
// A clone need not be built yet (Node 24 strips the types); an installed package has only dist/.
const source = path.join(packageRoot, 'trainer/gpu/find-adapter.ts');
const module = existsSync(source) ? source : path.join(packageRoot, 'dist/trainer/gpu/find-adapter.js');
const { applyAdapter } = await import(pathToFileURL(module).href);
if (entry.libraries !== undefined) applyAdapter(entry);
const { create } = await import('webgpu');
// Dawn crashes when this object is collected: it stays reachable for ever.
globalThis.midtrainGpu = create([]);
const adapter = await globalThis.midtrainGpu.requestAdapter({ powerPreference: 'high-performance' });
let found = null;
if (adapter) {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const device0 = await adapter.requestDevice();
  const software =
    Boolean(isFallbackAdapter) ||
    /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(`${architecture} ${device} ${description}`);
  found = { name: description || device || vendor, vendor, architecture, software };
  device0.destroy();
}
const maps = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : '';
const libraries = [...new Set([...maps.matchAll(/\s(\/\S.*\.so[^\n]*)$/gm)].map((match) => match[1]))];
process.stdout.write(`${JSON.stringify({ found, libraries })}\n`, () => process.exit(0));
