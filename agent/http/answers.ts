/** What a route answers, before it becomes bytes. The rules of the transport (pretty, gzip, headers) are in `transport.ts`. */
import type { ServerResponse } from 'node:http';

export type Headers = Readonly<Record<string, string>>;

export type Answer =
  | { readonly kind: 'json'; readonly value: unknown; readonly status: number; readonly headers: Headers }
  | { readonly kind: 'text'; readonly text: string; readonly status: number; readonly headers: Headers }
  | { readonly kind: 'file'; readonly text: string; readonly type: string; readonly headers: Headers }
  /** 200 without a body and without a content type: a write that has nothing to say. */
  | {
      readonly kind: 'empty';
      readonly status: number;
      readonly headers: Headers;
      /** Runs when the answer has left, or the client has. */
      readonly whenSent?: () => void;
    }
  /** An answer that goes on until one side ends it: whoever takes it over writes it piece by piece. */
  | {
      readonly kind: 'taken over';
      readonly headers: Headers;
      readonly write: (response: ServerResponse) => Promise<void>;
    };

export function json(value: unknown, headers: Headers = {}, status = 200): Answer {
  return { kind: 'json', value, status, headers };
}

export function empty(headers: Headers = {}, whenSent?: () => void): Answer {
  return { kind: 'empty', status: 200, headers, ...(whenSent === undefined ? {} : { whenSent }) };
}

/** An error, as Consul words them: the message alone. */
export function text(status: number, message: string, headers: Headers = {}): Answer {
  return { kind: 'text', text: message, status, headers };
}

export function file(content: string, type: string, headers: Headers = {}): Answer {
  return { kind: 'file', text: content, type, headers };
}

export function takeOver(headers: Headers, write: (response: ServerResponse) => Promise<void>): Answer {
  return { kind: 'taken over', headers, write };
}
