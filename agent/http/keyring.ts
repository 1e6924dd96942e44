/**
 * `/v1/operator/keyring`: the gossip keys of all members, one step at a time, as Consul has it (consul-http-api, 10); and
 * `/v1/agent/key-rotation`, where this agent takes all the steps in a row.
 */
import { ExpectedError } from '../../proto/errors.ts';
import type { KeyOperation } from '../gossip/serf/internal-queries.ts';
import type { KeyReport } from '../gossip/serf/keys.ts';
import type { RotationStatus } from '../key-rotation.ts';
import { type Answer, empty, json } from './answers.ts';
import { jsonBody } from './body.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { multiError } from './multi-error.ts';
import { relayFactor } from './query-members.ts';
import type { Route } from './transport.ts';

export function keyringRoutes(context: HttpContext): Route[] {
  const change = (operation: KeyOperation) => (call: Call) => changeKeys(operation, call, context);
  return [
    {
      path: '/v1/operator/keyring',
      methods: {
        GET: (call) => list(call, context),
        POST: change('install'),
        PUT: change('use'),
        DELETE: change('remove'),
      },
    },
    {
      path: '/v1/agent/key-rotation',
      methods: {
        GET: () => json(shape(context.keyRotation.status())),
        PUT: (call) => rotate(call, context),
        DELETE: async () => json(shape(await context.keyRotation.abort())),
      },
    },
  ];
}

/** `?rings` adds what each member has, with the key that it seals with first. */
async function list(call: Call, context: HttpContext): Promise<Answer> {
  relayFactor(call);
  call.boolean('local-only', (value) => `Bad request: Error parsing local-only: ${JSON.stringify(value)}`);
  const report = await context.keys('list', '');
  refuseFailures(report, context);
  // Who does not answer is named and hides nothing of what the others said.
  const messages = Object.fromEntries(report.silent.map((name) => [name, 'no answer']));
  return json([
    {
      WAN: false,
      Datacenter: context.facts.datacenter,
      Segment: '',
      ...(report.silent.length === 0 ? {} : { Messages: messages }),
      Keys: report.keys,
      PrimaryKeys: report.primaryKeys,
      NumNodes: report.members,
      ...(call.has('rings') ? { Rings: report.rings } : {}),
    },
  ]);
}

async function changeKeys(operation: KeyOperation, call: Call, context: HttpContext): Promise<Answer> {
  relayFactor(call);
  const key = keyIn(call);
  const report = await context.keys(operation, key).catch((error: unknown) => {
    throw lanError(error, context);
  });
  refuseFailures(report, context);
  if (report.silent.length > 0) {
    const { members, succeeded, silent } = report;
    const summary = `${lan(context)} error: ${succeeded}/${members} nodes reported success`;
    throw multiError('BAD_REQUEST', [summary, ...silent.map((name) => `${name}: no answer`)]);
  }
  return empty();
}

/** Body `{}` for a new key or `{"Key": base64}` for that one; with `?resume` an interrupted rotation goes on. */
async function rotate(call: Call, context: HttpContext): Promise<Answer> {
  if (call.has('resume')) return json(shape(context.keyRotation.resume()));
  const { Key } = call.body.length === 0 ? {} : jsonBody(call);
  if (Key !== undefined && typeof Key !== 'string')
    throw new ExpectedError('BAD_REQUEST', 'Key must be a string');
  return json(shape(await context.keyRotation.start(Key ?? null)));
}

function shape({ state, step, reason, to, from }: RotationStatus) {
  return { State: state, Step: step ?? '', Reason: reason, To: to, From: from };
}

function keyIn(call: Call): string {
  try {
    const { Key } = jsonBody(call);
    return typeof Key === 'string' ? Key : '';
  } catch (error) {
    throw error instanceof ExpectedError
      ? new ExpectedError('BAD_REQUEST', `Bad request: ${error.message}`)
      : error;
  }
}

function refuseFailures({ failures, members }: KeyReport, context: HttpContext): void {
  const failed = Object.entries(failures);
  if (failed.length === 0) return;
  const summary = `${lan(context)} error: ${failed.length}/${members} nodes reported failure`;
  throw multiError('BAD_REQUEST', [summary, ...failed.map(([name, message]) => `${name}: ${message}`)]);
}

function lanError(error: unknown, context: HttpContext): unknown {
  return error instanceof ExpectedError && error.code === 'BAD_REQUEST'
    ? multiError('BAD_REQUEST', [`${lan(context)} error: ${error.message}`])
    : error;
}

function lan({ facts }: HttpContext): string {
  return `${facts.datacenter} (LAN)`;
}
