/**
 * Definitions of checks and services: one source for their types, their validation in files and over HTTP,
 * and their JSON Schema (`z.toJSONSchema(checkInput, { io: 'input' })`).
 */
export {
  type CheckDefinition,
  checkInput,
  parseCheckDefinition,
} from './definitions/check.ts';
export type { DecodeOptions } from './definitions/decode.ts';
export type { TlsSettings } from './definitions/fields.ts';
export type { HttpAssertion, JsonExpectation, StatusRange } from './definitions/http-assertion.ts';
export type { CheckKindName, CheckSpec, SpecOf } from './definitions/kinds.ts';
export type { DefinitionProblem, ParsedDefinition } from './definitions/problem.ts';
export type { ProgramLimits } from './definitions/program-kinds.ts';
export { parseServiceDefinition, type ServiceDefinition, serviceInput } from './definitions/service.ts';
