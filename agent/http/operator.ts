/** `/v1/operator/…`: the servers themselves. Reference: consul-http-api, section 10. Consul has no call for a new voter. */
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import type { RpcCalls } from '../../proto/rpc.ts';
import { type Answer, empty, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { CatalogReader } from './reads.ts';
import type { Route } from './transport.ts';

export function operatorRoutes(context: HttpContext, reader: CatalogReader): Route[] {
  const local =
    (handler: (call: Call, context: HttpContext) => Promise<Answer> | Answer) =>
    (call: Call): Promise<Answer> | Answer => {
      reader.checkDatacenter(call);
      return handler(call, context);
    };
  return [
    { path: '/v1/operator/raft/configuration', methods: { GET: local(configuration) } },
    { path: '/v1/operator/raft/peer', methods: { DELETE: local(removePeer) } },
    { path: '/v1/operator/raft/voter', methods: { PUT: local(addVoter) } },
    {
      path: '/v1/operator/raft/transfer-leader',
      methods: { PUT: local(transferLeader), POST: local(transferLeader) },
    },
    { path: '/v1/operator/autopilot/health', methods: { GET: local(health) } },
    { path: '/v1/operator/autopilot/configuration', methods: { GET: local(() => json(rules)) } },
  ];
}

/** What `server/autopilot.ts` goes by, in Consul's words. It cannot be changed at run time. */
const rules = {
  CleanupDeadServers: true,
  LastContactThreshold: '500ms',
  MaxTrailingLogs: 250,
  MinQuorum: 0,
  ServerStabilizationTime: '10s',
  RedundancyZoneTag: '',
  DisableUpgradeMigration: false,
  UpgradeVersionTag: '',
  CreateIndex: 0,
  ModifyIndex: 0,
};

async function configuration(call: Call, { rpc }: HttpContext): Promise<Answer> {
  const { servers } = await rpc.call('server.list', { stale: call.has('stale') });
  return json({
    Servers: servers.map(({ id, node, address, leader, voter }) => ({
      ID: id,
      Node: node || '(unknown)',
      Address: address,
      Leader: leader,
      ProtocolVersion: '3',
      Voter: voter,
    })),
    Index: 0,
  });
}

async function removePeer(call: Call, { rpc }: HttpContext): Promise<Answer> {
  const which = whichServer(
    call,
    "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove",
  );
  await rpc.call('server.remove', which).catch(refused);
  return empty();
}

async function addVoter(call: Call, { rpc }: HttpContext): Promise<Answer> {
  const which = whichServer(
    call,
    "Must specify either ?id with the server's ID or ?address with IP:port of the learner",
  );
  await rpc.call('server.promote', which).catch(refused);
  return empty();
}

async function transferLeader(call: Call, { rpc }: HttpContext): Promise<Answer> {
  await rpc.call('leader.transfer', { to: call.get('id') }).catch(refused);
  return json({ Success: true });
}

/** 429 with the same body when something is wrong, as Consul's probes expect. */
async function health(_call: Call, { rpc, facts, membership }: HttpContext): Promise<Answer> {
  const { servers, failureTolerance, term } = await rpc.call('server.health', {});
  const versions = new Map(membership.members().map((member) => [member.tags.id, member.tags.build]));
  const healthy = servers.every((server) => server.healthy);
  const shape = (server: RpcCalls['server.health']['answer']['servers'][number]) => ({
    ID: server.id,
    Name: server.node,
    Address: server.address,
    SerfStatus: server.state,
    Version: versions.get(server.id)?.split(':')[0] ?? facts.version,
    Leader: server.leader,
    LastContact: server.lastContactMs < 0 ? 'never' : `${server.lastContactMs}ms`,
    LastTerm: term,
    LastIndex: server.lastIndex,
    Healthy: server.healthy,
    Voter: server.voter,
  });
  const body = { Healthy: healthy, FailureTolerance: failureTolerance, Servers: servers.map(shape) };
  return json(body, {}, healthy ? 200 : 429);
}

function whichServer(call: Call, complaint: string): { id: string; address: string } {
  const which = { id: call.get('id'), address: call.get('address') };
  if (which.id === '' && which.address === '')
    throw new ExpectedError('BAD_REQUEST', `Bad request: ${complaint}`);
  if (which.id === '' || which.address === '') return which;
  throw new ExpectedError('BAD_REQUEST', 'Bad request: Must specify only one of ?id or ?address');
}

/** Consul's servers answer 500 to whatever they refuse. */
function refused(error: unknown): never {
  if (!isExpected(error) || error.status === 500) throw error;
  throw new ExpectedError(error.code, error.message, { cause: error, status: 500 });
}
