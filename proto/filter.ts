/**
 * Consul's filter language: `Status == critical and (Node matches "^web-" or "prod" in ServiceTags)`. What may be asked
 * of a row is described by its fields, so that a misspelt name is an error with its column and not an empty answer.
 *
 *     or  →  and ("or" and)*        not binds tighter than and, and tighter than or
 *     and →  not ("and" not)*
 *     not →  "not" not | "(" or ")" | selector operator value | value [not] in selector
 */
import type { Condition, Filter } from './filter/conditions.ts';
import { compileCondition } from './filter/conditions.ts';
import type { Fields, Operator } from './filter/fields.ts';
import { findField } from './filter/fields.ts';
import { TokenReader } from './filter/tokens.ts';

export type { Filter } from './filter/conditions.ts';
export type { Field, Fields } from './filter/fields.ts';

/** Groups in groups and `not`s in a row at most. */
const depthMax = 100;
const expressionLengthMax = 4_096;

/**
 * The filter that an expression means for rows with these fields; an empty one selects everything.
 * Throws BAD_REQUEST with the column (from 1) of what it cannot read.
 */
export function compileFilter(expression: string, fields: Fields): Filter {
  const reader = new TokenReader(expression);
  if (expression.length > expressionLengthMax) {
    reader.fail(`a filter may have ${expressionLengthMax} characters, this one has ${expression.length}`);
  }
  if (reader.atEnd()) return () => true;
  const filter = new Parser(reader, fields).either(0);
  if (!reader.atEnd()) reader.fail(`expected "and", "or" or the end, not "${reader.peek().text}"`);
  return filter;
}

class Parser {
  readonly #reader: TokenReader;
  readonly #fields: Fields;

  constructor(reader: TokenReader, fields: Fields) {
    this.#reader = reader;
    this.#fields = fields;
  }

  either(depth: number): Filter {
    if (depth > depthMax) this.#reader.fail('the filter is nested too deeply');
    const parts = [this.#both(depth)];
    while (this.#reader.takeWord('or')) parts.push(this.#both(depth));
    return parts.length === 1 ? parts[0]! : (row) => parts.some((part) => part(row));
  }

  #both(depth: number): Filter {
    const parts = [this.#negated(depth)];
    while (this.#reader.takeWord('and')) parts.push(this.#negated(depth));
    return parts.length === 1 ? parts[0]! : (row) => parts.every((part) => part(row));
  }

  #negated(depth: number): Filter {
    if (depth > depthMax) this.#reader.fail('the filter is nested too deeply');
    if (this.#reader.takeWord('not')) {
      const inner = this.#negated(depth + 1);
      return (row) => !inner(row);
    }
    if (this.#reader.takeSign('(')) {
      const inner = this.either(depth + 1);
      if (!this.#reader.takeSign(')')) this.#reader.fail('a bracket is not closed');
      return inner;
    }
    return this.#comparison();
  }

  /** `selector operator value`, or `value [not] in selector`. */
  #comparison(): Filter {
    const reader = this.#reader;
    const subject = reader.take('a selector or a value');
    const isNot = reader.peekWord('not');
    if (reader.takeWords(isNot ? ['not', 'in'] : ['in'])) {
      if (subject.kind === 'sign') reader.failAt(subject, `"${subject.text}" is no value`);
      return this.#condition(reader.take('a selector'), isNot ? 'not in' : 'in', subject);
    }
    return this.#condition(subject, this.#operator(), null);
  }

  #operator(): Operator {
    const reader = this.#reader;
    if (reader.takeSign('==')) return '==';
    if (reader.takeSign('!=')) return '!=';
    if (reader.takeWords(['is', 'not', 'empty'])) return 'is not empty';
    if (reader.takeWords(['is', 'empty'])) return 'is empty';
    if (reader.takeWords(['not', 'contains'])) return 'not in';
    if (reader.takeWords(['contains'])) return 'in';
    if (reader.takeWords(['not', 'matches'])) return 'not matches';
    if (reader.takeWords(['matches'])) return 'matches';
    return reader.fail(
      'expected an operator: ==, !=, in, not in, contains, not contains, matches, not matches, is empty, is not empty',
    );
  }

  #condition(
    selector: ReturnType<TokenReader['take']>,
    operator: Operator,
    given: ReturnType<TokenReader['take']> | null,
  ): Filter {
    const reader = this.#reader;
    if (selector.kind !== 'word') return reader.failAt(selector, `"${selector.text}" is no selector`);
    const found = findField(this.#fields, selector.path);
    if ('unknown' in found)
      return reader.failAt(selector, `Selector "${selector.text}" is not valid${found.unknown}`);
    const needsValue = operator !== 'is empty' && operator !== 'is not empty';
    const value = needsValue ? (given ?? reader.take('a value')) : null;
    if (value?.kind === 'sign') reader.failAt(value, `"${value.text}" is no value`);
    const condition: Condition = { field: found, operator, value: value?.text ?? '' };
    const compiled = compileCondition(condition);
    return typeof compiled === 'string' ? reader.failAt(value ?? selector, compiled) : compiled;
  }
}
