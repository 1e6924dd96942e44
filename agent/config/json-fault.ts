/**
 * Where a text stops being JSON. `JSON.parse` says it in words that change with its version and often without a position;
 * this is asked only when it has refused a text.
 */

const space = /[ \t\r\n]*/y;
const scalar =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const text = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** What is wanted where it was not found. */
interface Fault {
  readonly position: number;
  readonly wanted: string;
}

/** Null when the text is JSON. */
export function findJsonFault(json: string): Fault | null {
  try {
    const reader = new Reader(json);
    reader.value();
    reader.end();
    return null;
  } catch (error) {
    if (error instanceof Found) return error.fault;
    throw error;
  }
}

class Found extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.wanted);
    this.fault = fault;
  }
}

class Reader {
  readonly #json: string;
  #at = 0;

  constructor(json: string) {
    this.#json = json;
  }

  value(): void {
    if (this.#takes('{')) this.#members();
    else if (this.#takes('[')) this.#items();
    else if (!this.#matches(scalar)) this.#fail('a value');
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#json.length) this.#fail('the end of the file');
  }

  #members(): void {
    if (this.#takes('}')) return;
    do {
      if (!this.#matches(text)) this.#fail('a key in double quotes');
      if (!this.#takes(':')) this.#fail('a colon');
      this.value();
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail('a comma or }');
  }

  #items(): void {
    if (this.#takes(']')) return;
    do this.value();
    while (this.#takes(','));
    if (!this.#takes(']')) this.#fail('a comma or ]');
  }

  #takes(sign: string): boolean {
    this.#skipSpace();
    if (this.#json[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #matches(pattern: RegExp): boolean {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#json)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #skipSpace(): void {
    space.lastIndex = this.#at;
    space.test(this.#json);
    this.#at = space.lastIndex;
  }

  #fail(wanted: string): never {
    throw new Found({ position: this.#at, wanted });
  }
}
