/**
 * A check that a client asks for by the name of a template. What it does was decided by the host's operator, who wrote
 * the template; the client fills in the gaps and names the result. So it may not bring keys of its own, its values are
 * looked at more strictly than an operator's, and nothing in them is ever looked up in a file or in the environment.
 */

import { runsPrograms } from '../../proto/schema/definitions/runs-programs.ts';
import type { CheckDefinition } from '../../proto/schema/definitions.ts';
import type { AgentConfig } from './agent-config.ts';
import { readDefinitions } from './definitions.ts';
import { expandDefinitions } from './expand.ts';
import { fromPlain, type LocatedMap } from './located.ts';
import { Problems } from './problems.ts';

export interface TemplateRequest {
  /** Name of the template. */
  readonly use: string;
  readonly with: Readonly<Record<string, string | number | boolean>>;
  /** '' leaves these to the template. */
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  readonly serviceId: string;
}

/** `templates` and `defaults.check` of the configuration, with all references to the outside filled in. */
export type TemplateSource = Pick<AgentConfig, 'templates' | 'checkDefaults'>;

export type FilledTemplate =
  | { readonly ok: true; readonly definition: CheckDefinition }
  /** For people, in one line. */
  | { readonly ok: false; readonly message: string };

const valueLengthMax = 256;
/** What fills gaps is no place for gaps. */
const gaps = /[${}]/;
/**
 * What may become part of a command line: nothing that a shell would read as more than a word, no option, and no way up
 * out of the folder that the template names.
 */
const harmless = /^(?!.*\.\.)[A-Za-z0-9_/][A-Za-z0-9_.:@%+=,/-]*$/;

const place = { file: 'request', line: 0, column: 0 };

export function checkFromTemplate(source: TemplateSource, request: TemplateRequest): FilledTemplate {
  const values = Object.entries(request.with).map(([name, value]) => [name, String(value)] as const);
  for (const [name, value] of values) {
    if (value.length > valueLengthMax) {
      return refused(`with.${name}: must not be longer than ${valueLengthMax} characters`);
    }
    if (gaps.test(value)) return refused(`with.${name}: must not hold any of $ { }`);
  }
  const problems = new Problems();
  const tree = expandDefinitions(treeOf(source, request), problems);
  const { checks } = readDefinitions(tree, { complete: false }, problems);
  const wrong = problems.sorted([]).find(({ level }) => level === 'error');
  const [definition] = checks;
  if (wrong !== undefined || definition === undefined) {
    const { key = '', message = 'makes no check', suggestion = '' } = wrong ?? {};
    const hint = suggestion === '' ? '' : ` (did you mean "${suggestion}"?)`;
    return refused(`${key.replace(/^checks\[0\]\.?/, '') || 'use'}: ${message}${hint}`);
  }
  if (!runsPrograms(definition.spec.kind)) return { ok: true, definition };
  const harmful = values.find(([, value]) => value !== '' && !harmless.test(value));
  if (harmful === undefined) return { ok: true, definition };
  return refused(
    `with.${harmful[0]}: a value for a program has letters, digits and _ . : @ % + = , / - only, ` +
      'begins with none of these but _ or /, and holds no ".."',
  );
}

function treeOf({ templates, checkDefaults }: TemplateSource, request: TemplateRequest): LocatedMap {
  const { use, with: values, id, name, notes, serviceId } = request;
  const own = Object.entries({ id, name, notes, service_id: serviceId }).filter(([, text]) => text !== '');
  const check = { ...Object.fromEntries(own), use, with: values };
  return fromPlain({ templates, defaults: { check: checkDefaults }, checks: [check] }, place) as LocatedMap;
}

function refused(message: string): FilledTemplate {
  return { ok: false, message };
}
