/**
 * Templates as clients use them. Filling one in takes most of what reads a configuration, about 15 MiB with the library
 * behind it; so it is loaded with the first client that names a template, and most agents never meet one.
 */
import { assert } from '../proto/assert.ts';
import type { checkFromTemplate } from './config/template-check.ts';

export type FillTemplate = typeof checkFromTemplate;

export class Templates {
  #fill: FillTemplate | null = null;

  async load(): Promise<FillTemplate> {
    const { checkFromTemplate } = await import('./config/template-check.ts');
    this.#fill = checkFromTemplate;
    return checkFromTemplate;
  }

  /** For whoever cannot wait: there is a check from a template, so all of it has been loaded before. */
  get fill(): FillTemplate {
    assert(this.#fill !== null, 'a check was made from a template before templates were loaded');
    return this.#fill;
  }
}
