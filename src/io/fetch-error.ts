/**
 * What the network did not give. Unlike other input errors it says nothing about the data: tried again it may be there, and whole. A
 * reader whose result must not depend on the network ends here instead of going on without the file.
 */
import { InputError } from '../core/errors.ts';

export class FetchError extends InputError {}
