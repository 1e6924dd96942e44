/** `/v1/agent/check…`: the checks of this host, and what clients say of their TTL checks. Reference: 6.8. */
import { ExpectedError } from '../../proto/errors.ts';
import { runsPrograms } from '../../proto/schema/definitions/runs-programs.ts';
import type { CheckDefinition } from '../../proto/schema/definitions.ts';
import { type Answer, empty, json } from './answers.ts';
import { bodySchemas, jsonBody } from './body.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { checkFields, selected } from './filters.ts';
import { shapeLocalCheck, shapeRun } from './shapes.ts';
import type { Route } from './transport.ts';

type Status = 'passing' | 'warning' | 'critical';

export function agentCheckRoutes(context: HttpContext): Route[] {
  const put = (path: string, change: (call: Call) => Answer | Promise<Answer>): Route => ({
    path,
    methods: { PUT: async (call) => kept(change(call), context) },
  });
  return [
    { path: '/v1/agent/checks', methods: { GET: (call) => list(call, context) } },
    put('/v1/agent/check/register', (call) => register(call, context)),
    put('/v1/agent/check/deregister/', (call) => {
      // Unknown is fine: clean-up code calls this twice.
      context.local.deregisterCheck(call.required('CheckID missing', 500));
      return empty();
    }),
    put('/v1/agent/check/run/', (call) => run(call, context)),
    put('/v1/agent/check/pass/', (call) => feed(call, 'passing', call.get('note'), context)),
    put('/v1/agent/check/warn/', (call) => feed(call, 'warning', call.get('note'), context)),
    put('/v1/agent/check/fail/', (call) => feed(call, 'critical', call.get('note'), context)),
    put('/v1/agent/check/update/', (call) => update(call, context)),
  ];
}

/** What was answered outlives a crash that comes right behind the answer. */
export async function kept(answer: Answer | Promise<Answer>, context: HttpContext): Promise<Answer> {
  const answered = await answer;
  await context.saved();
  return answered;
}

function list(call: Call, context: HttpContext): Answer {
  const shaped = context.local
    .checks()
    .map((check) => shapeLocalCheck(check, context.facts.node, context.pendingStatus()));
  return json(Object.fromEntries(selected(call, shaped, checkFields).map((check) => [check.CheckID, check])));
}

async function register(call: Call, context: HttpContext): Promise<Answer> {
  const body = jsonBody(call);
  const { checkIn, templateIn } = await bodySchemas();
  const template = Object.keys(body).some((key) => key.toLowerCase() === 'use') ? templateIn(body) : null;
  const definition = template === null ? checkIn(body) : await context.local.fillTemplate(template);
  if (template === null) refuseScripts([definition], context);
  const { serviceId } = definition;
  if (serviceId !== '' && !context.local.services().some(({ id }) => id === serviceId)) {
    throw new ExpectedError('NOT_FOUND', `ServiceID ${JSON.stringify(serviceId)} does not exist`, {
      status: 500,
    });
  }
  context.local.registerCheck(definition, template);
  return empty();
}

/** Whoever reaches this port could run programs on this host: only where the operator said so. */
export function refuseScripts(definitions: readonly CheckDefinition[], context: HttpContext): void {
  if (context.scriptsAllowed() || !definitions.some(({ spec }) => runsPrograms(spec.kind))) return;
  throw new ExpectedError(
    'BAD_REQUEST',
    "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true",
    { status: 500 },
  );
}

/** Ours: Consul has no such path. */
async function run(call: Call, context: HttpContext): Promise<Answer> {
  const id = call.required('CheckID missing', 500);
  const ran = await context.local.runCheck(id);
  if (ran === 'unknown') throw unknownCheck(id);
  if (ran === 'not run') {
    const message = `Check ${JSON.stringify(id)} is not run: it is fed by clients, follows other checks, or is gone`;
    throw new ExpectedError('BAD_REQUEST', message);
  }
  return json(shapeRun(id, ran, context.pendingStatus()));
}

async function update(call: Call, context: HttpContext): Promise<Answer> {
  const body = jsonBody(call);
  const { updateIn } = await bodySchemas();
  const { status: given, output } = updateIn(body);
  const status = given || 'passing';
  if (!isStatus(status)) throw new ExpectedError('BAD_REQUEST', `Invalid check status: '${status}'`);
  return feed(call, status, output, context);
}

function isStatus(status: string): status is Status {
  return status === 'passing' || status === 'warning' || status === 'critical';
}

function feed(call: Call, status: Status, output: string, context: HttpContext): Answer {
  const id = call.required('CheckID missing', 500);
  switch (context.local.feed(id, status, cut(output, context.checkOutputBytesMax()))) {
    case 'fed':
      return empty();
    case 'unknown':
      throw unknownCheck(id);
    case 'not fed by clients': {
      const message = `CheckID ${JSON.stringify(id)} does not have associated TTL`;
      throw new ExpectedError('BAD_REQUEST', message, { status: 500 });
    }
  }
}

function unknownCheck(id: string): ExpectedError {
  const advice = 'Ensure that the check ID is passed, not the check name.';
  return new ExpectedError('NOT_FOUND', `Unknown check ID ${JSON.stringify(id)}. ${advice}`);
}

/** The first bytes, and a remark of the cut, as Consul has it. */
function cut(output: string, bytesMax: number): string {
  const bytes = Buffer.from(output);
  if (bytes.length <= bytesMax) return output;
  const kept = new TextDecoder().decode(bytes.subarray(0, bytesMax), { stream: true });
  return `${kept} ... (captured ${bytesMax} of ${bytes.length} bytes)`;
}
