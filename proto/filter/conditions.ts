/** One comparison: what an operator means for each kind of field. A path through a list holds if any element does. */
import { isExpected } from '../errors.ts';
import { compileRegex } from '../regex/regex.ts';
import type { FoundField, Operator } from './fields.ts';
import { valuesAt } from './fields.ts';

export type Filter = (row: unknown) => boolean;

export interface Condition {
  readonly field: FoundField;
  readonly operator: Operator;
  readonly value: string;
}

type Test = (value: unknown) => boolean;

/** The filter, or what is wrong with the comparison. */
export function compileCondition(condition: Condition): Filter | string {
  const { field, operator } = condition;
  const positive = positiveOf(operator);
  const test = compileTest(field, positive, condition.value);
  if (typeof test === 'string') return test;
  if (positive === operator) return (row) => valuesAt(row, field.path).some(test);
  // What is missing is equal to nothing, and no pattern is found in it: `!=` and `not matches` hold.
  return (row) => valuesAt(row, field.path).some((value) => !test(value));
}

function positiveOf(operator: Operator): Operator {
  switch (operator) {
    case '!=':
      return '==';
    case 'not in':
      return 'in';
    case 'not matches':
      return 'matches';
    case 'is not empty':
      return 'is empty';
    default:
      return operator;
  }
}

function compileTest(field: FoundField, operator: Operator, value: string): Test | string {
  const { kind } = field;
  const isText = kind === 'string';
  const isMany = kind === 'strings' || kind === 'map' || kind === 'list';
  const wrong = `"${operator}" cannot be asked of "${field.path.join('.')}"`;
  switch (operator) {
    case '==':
      if (kind === 'number') return numberTest(value);
      if (kind === 'bool') return boolTest(value);
      return isText ? (it) => it === value : wrong;
    case 'in':
      if (isText) return (it) => typeof it === 'string' && it.includes(value);
      if (kind === 'strings') return (it) => Array.isArray(it) && it.includes(value);
      return kind === 'map' ? (it) => isObject(it) && Object.hasOwn(it, value) : wrong;
    case 'matches':
      return isText ? regexTest(value) : wrong;
    default:
      return isMany ? isEmpty : wrong;
  }
}

function numberTest(text: string): Test | string {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return `"${text}" is no number`;
  const wanted = Number(text);
  return (it) => it === wanted;
}

function boolTest(text: string): Test | string {
  if (text !== 'true' && text !== 'false') return `"${text}" is neither true nor false`;
  return (it) => it === (text === 'true');
}

function regexTest(pattern: string): Test | string {
  try {
    const regex = compileRegex(pattern);
    return (it) => typeof it === 'string' && regex.test(it);
  } catch (error) {
    if (isExpected(error)) return error.message;
    throw error;
  }
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return !isObject(value) || Object.keys(value).length === 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
