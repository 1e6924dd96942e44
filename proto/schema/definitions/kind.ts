/** What a kind of check adds to a definition: its keys, and how they become the spec that the kind runs by. */
import type { z } from 'zod';
import type { Refuse } from './fields.ts';

export interface KindSchema<Name extends string, Shape extends z.ZodRawShape, Spec extends { kind: Name }> {
  readonly kind: Name;
  /** Giving one of these keys chooses the kind. */
  readonly chosenBy: ReadonlyArray<keyof Shape & string>;
  /** All keys that mean something to it, beyond those of every check. */
  readonly keys: Shape;
  /** Whether it is run by a timetable; the others are fed from outside or follow something. */
  readonly timetable: 'required' | 'optional' | 'none';
  /** Timeout of a run where the definition gives none, in milliseconds. */
  readonly timeoutMs: number;
  /** Refuses what cannot be, and then returns any spec; it will not be used. */
  spec(raw: z.output<z.ZodObject<Shape>>, refuse: Refuse): Spec;
}

export function kindSchema<Name extends string, Shape extends z.ZodRawShape, Spec extends { kind: Name }>(
  schema: KindSchema<Name, Shape, Spec>,
): KindSchema<Name, Shape, Spec> {
  return schema;
}

/** Consul's defaults: scripts may take longer than questions to the network. */
export const scriptTimeoutMs = 30_000;
export const networkTimeoutMs = 10_000;
