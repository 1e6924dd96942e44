/**
 * A check that a client registered, held against the configuration of this moment. The operator has the last word at
 * every start and every reload, not only when the client called: what may not run any more is dropped, and what a
 * template made is made anew.
 */
import { runsPrograms } from '../proto/schema/definitions/runs-programs.ts';
import type { CheckDefinition } from '../proto/schema/definitions.ts';
import type { AgentConfig } from './config/agent-config.ts';
import type { TemplateRequest, TemplateSource } from './config/template-check.ts';
import type { Templates } from './templates.ts';

export type ClientCheckRules = TemplateSource &
  Pick<AgentConfig, 'enableScriptChecks' | 'enableLocalScriptChecks'>;

export type ClientVerdict =
  | { readonly kind: 'kept'; readonly definition: CheckDefinition }
  | { readonly kind: 'dropped'; readonly reason: string };

export function judgeClientCheck(
  rules: ClientCheckRules,
  known: CheckDefinition | undefined,
  template: TemplateRequest | null,
  templates: Pick<Templates, 'fill'>,
): ClientVerdict {
  if (template === null) {
    if (known === undefined) return { kind: 'dropped', reason: 'its definition is lost' };
    const reason = scriptRefusal(rules, known, 'client');
    return reason === null ? { kind: 'kept', definition: known } : { kind: 'dropped', reason };
  }
  const filled = templates.fill(rules, template);
  if (!filled.ok) return { kind: 'dropped', reason: `template "${template.use}": ${filled.message}` };
  const reason = scriptRefusal(rules, filled.definition, 'template');
  if (reason !== null) return { kind: 'dropped', reason };
  return { kind: 'kept', definition: filled.definition };
}

/** Why a check may not run here, or null. A template is the operator's own word, as a file is. */
export function scriptRefusal(
  { enableScriptChecks, enableLocalScriptChecks }: ClientCheckRules,
  { spec }: CheckDefinition,
  author: 'client' | 'template',
): string | null {
  if (!runsPrograms(spec.kind) || enableScriptChecks) return null;
  if (author === 'template' && enableLocalScriptChecks) return null;
  return author === 'client'
    ? "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true"
    : "Scripts are disabled on this agent; to enable, configure 'enable_local_script_checks' to true";
}
