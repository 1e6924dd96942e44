/**
 * The agent of one host: starts its parts in order and stops them in reverse.
 *
 *     journal and rows → (server listens) → gossip → (server takes part) → servers → sync → HTTP → checks → join
 *
 * Whatever can be wrong with this host alone (a port, a folder, an address) is found before anybody hears of us.
 */
import { checkKinds, type KindPorts } from '../checks/kinds/index.ts';
import type { Kinds } from '../checks/kinds/kind.ts';
import { messageOf } from '../proto/errors.ts';
import type { Clock, Disk, Random } from '../proto/ports.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { AgentIdentity } from '../proto/schema/journal.ts';
import type { DataFolder } from '../proto/store/layout.ts';
import type { StreamNetwork } from '../server/rpc/client.ts';
import { catalogAliases } from './aliases.ts';
import { AntiEntropy, type SyncReport } from './anti-entropy.ts';
import { makeCallbacks } from './callbacks.ts';
import type { AgentConfig } from './config/agent-config.ts';
import { ConfigCheck } from './config-check.ts';
import { ConfigWatch } from './config-watch.ts';
import type { MembershipChange } from './gossip/membership.ts';
import { GossipNews } from './gossip-news.ts';
import { type GossipMembership, startGossip } from './gossip-thread.ts';
import { startHttp } from './http/server.ts';
import { type HttpContextParts, makeHttpContext } from './http-context.ts';
import { Joiner } from './joiner.ts';
import { KeyRotation, type SavedRotation } from './key-rotation.ts';
import { leaderClock } from './leader-clock.ts';
import { LocalParts } from './local-parts.ts';
import type { AgentLogger } from './logger.ts';
import { Notices } from './notices.ts';
import { knownServers, startPool } from './pool-of-servers.ts';
import { redacting } from './redact.ts';
import { applyLive, type ConfigDifference, compareSettings } from './reload.ts';
import { Reloader } from './reloader.ts';
import type { ServerPart, StartServer } from './server-part.ts';
import type { ServerPool } from './server-pool.ts';
import { StallWitness } from './stall-witness.ts';
import { cannotListen } from './startup-errors.ts';
import { ownTags } from './tags.ts';

/** The host as the agent uses it. */
export interface AgentHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  /** What kinds of checks need of the host; what they need of the agent is added here. */
  readonly kindPorts: Omit<KindPorts, 'aliases' | 'leaderClock'>;
  readonly network: StreamNetwork;
}

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly host: AgentHost;
  readonly folder: DataFolder;
  readonly logger: AgentLogger;
  /** Null for a plain agent. */
  readonly startServer: StartServer | null;
  /** Gossip keys in base64, the sealing one first. */
  readonly keys: readonly string[];
  /** Reads the configuration again; rejects with all its errors, and then nothing changes. */
  readonly readConfig: () => Promise<AgentConfig>;
  /** A text that changes with the files of the configuration. */
  readonly configSignature: () => Promise<string>;
  /** This agent cannot or need not go on; `failure` is null when it was asked to end. */
  readonly onEnd: (failure: Error | null) => void;
}

/** What the HTTP API shows beside the agent itself. */
interface HttpParts
  extends Pick<HttpContextParts, 'membership' | 'rpc' | 'pool' | 'sync' | 'news' | 'keyRotation'> {
  readonly parts: LocalParts;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #reloader: Reloader;
  readonly #configWatch: ConfigWatch;
  /** What was started, oldest first. */
  readonly #running: Array<() => Promise<void> | void> = [];
  #config: AgentConfig;
  #parts: LocalParts | null = null;
  #membership: GossipMembership | null = null;
  #notices: Notices | null = null;
  #server: ServerPart | null = null;
  /** The way to the servers; there before the first check runs. */
  #rpc: Rpc | null = null;
  #joiner: Joiner | null = null;
  #configCheck: ConfigCheck | null = null;
  #keyRotation: KeyRotation | null = null;
  #stopping: Promise<void> | null = null;
  #left = false;

  private constructor(options: AgentOptions) {
    this.#options = options;
    this.#config = options.config;
    const { logger, readConfig, configSignature, host } = options;
    this.#reloader = new Reloader({
      logger,
      read: readConfig,
      apply: (next) => this.#apply(next),
      report: (problem) => this.#configCheck?.report(problem),
    });
    this.#configWatch = new ConfigWatch({
      clock: host.clock,
      signature: configSignature,
      // Whatever is wrong has been told by the reloader.
      onChange: () => void this.reload().catch(() => {}),
    });
  }

  /** Rejects with one clear error when it cannot run here; nothing is left behind then. */
  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options);
    try {
      await agent.#start();
      return agent;
    } catch (error) {
      await agent.#stopParts();
      throw error;
    }
  }

  /** Says goodbye to the others where the configuration wants that, and stops everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** All or nothing; what needs a restart keeps its old value and is named in the answer. */
  reload(): Promise<ConfigDifference> {
    return this.#reloader.reload();
  }

  #apply(next: AgentConfig): ConfigDifference {
    const difference = compareSettings(this.#config, next);
    this.#config = applyLive(this.#config, next);
    const items = this.#parts?.local.apply(this.#config) ?? [];
    this.#parts?.local.runner.setOutputLimits({
      bytesMax: this.#config.checkOutputBytesMax,
      discard: this.#config.discardCheckOutput,
    });
    this.#joiner?.configure(this.#config.retryJoin, this.#config.retryIntervalMs);
    this.#options.logger.setLevel(this.#config.logLevel);
    this.#configWatch.set(this.#config.autoReload);
    return { items, ...difference };
  }

  /** `rollcall leave`: gives up a vote, says goodbye, and counts as left. Rejects with QUORUM. */
  async leave(): Promise<void> {
    await this.#server?.leave();
    await this.#goodbye({ forGood: true });
  }

  async #start(): Promise<void> {
    const { host, folder, logger } = this.#options;
    const config = this.#config;
    this.#running.push(() => this.#configWatch.stop());
    this.#configWatch.set(config.autoReload);
    const { sandbox } = host.kindPorts;
    this.#running.push(() => sandbox.stop());
    // What a crash has left behind ends before a check runs beside it.
    await sandbox.sweep();
    const parts = await LocalParts.open({
      ...host,
      config,
      folder,
      logger,
      kinds: this.#kinds(),
    });
    this.#parts = parts;
    this.#running.push(() => parts.stop());

    const membership = await this.#startGossipAndServer(parts);
    const news = this.#startNews(parts, membership);
    const { rpc, pool } = this.#connect(parts, membership);
    this.#rpc = rpc;
    const sync = this.#startSync(parts, membership, rpc, pool);
    const keyRotation = this.#makeKeyRotation(parts, membership);
    await this.#startHttp({ parts, membership, rpc, pool, sync, news, keyRotation });
    parts.start(this.#config);
    this.#configCheck = new ConfigCheck(parts.state, parts.local.runner);
    this.#startJoining(membership);
  }

  async #startGossipAndServer(parts: LocalParts): Promise<GossipMembership> {
    const { config, host, folder, logger, startServer, keys } = this.#options;
    const identity = this.#identity();
    const listening = await startServer?.({
      config,
      identity,
      folder,
      logger,
      disk: host.disk,
      network: host.network,
      clock: host.clock,
      random: host.random,
      callbacks: makeCallbacks(config.nodeName, parts.local),
      keys: () => this.#rawKeys(),
      hasTriedToJoin: () => this.#joiner?.hasTried ?? false,
      onHalt: (error) => this.#options.onEnd(error),
      onBug: (error, where) => this.#onBug(error, where),
    });
    if (listening !== undefined) this.#running.push(() => listening.stop());

    const server =
      listening === undefined ? null : { port: listening.address.port, expect: config.bootstrapExpect };
    const keepsFiles = config.dataDir !== null;
    const membership = await startGossip({
      name: config.nodeName,
      bind: config.bind,
      advertise: config.advertise,
      tags: ownTags({ nodeId: folder.meta.nodeId, datacenter: config.datacenter, server }),
      profile: config.gossipProfile,
      config: {
        ...config.gossipTiming,
        reconnectTimeoutMs: config.reconnectTimeoutMs,
        ...(config.gossipCrashDetection ? {} : { refusalCheckMs: 0 }),
      },
      label: config.gossipLabel,
      keys,
      snapshotPath: keepsFiles ? `${folder.part('local')}/gossip.snapshot` : null,
      keyringPath: keepsFiles && keys.length > 0 ? `${folder.part('local')}/gossip.keyring` : null,
    });
    this.#membership = membership;
    // A question of the rotation that is under way ends with gossip.
    this.#running.push(async () => this.#keyRotation?.stop());
    this.#running.push(() => membership.stop());
    this.#watchGossip(parts, membership);
    this.#server = (await listening?.join(membership)) ?? null;
    return membership;
  }

  #watchGossip(parts: LocalParts, membership: GossipMembership): void {
    const { host, logger, onEnd } = this.#options;
    const notices = new Notices({
      clock: host.clock,
      logger,
      state: parts.state,
      record: (draft) => parts.record(draft),
      nameTaken: (text) => onEnd(new Error(text)),
    });
    this.#notices = notices;
    this.#running.push(() => notices.stop());
    membership.onNotice((notice) => notices.receive(notice));
    membership.onChange(({ kind, member }) => logger.info(`member ${member.name} ${kind}`));
  }

  /** A server asks itself; a plain agent one of the servers. */
  #connect(parts: LocalParts, membership: GossipMembership): { rpc: Rpc; pool: ServerPool | null } {
    const { config, host, folder, logger } = this.#options;
    let pool: ServerPool | null = null;
    if (this.#server === null) {
      const started = startPool({
        node: config.nodeName,
        datacenter: config.datacenter,
        folder,
        store: parts.store,
        membership,
        network: host.network,
        clock: host.clock,
        random: host.random,
        logger,
        callbacks: makeCallbacks(config.nodeName, parts.local),
        keys: () => this.#rawKeys(),
        onBug: (error, method) => this.#onBug(error, method),
      });
      this.#running.push(() => started.stop());
      pool = started;
    }
    const rpc = this.#server?.rpc ?? pool!;
    membership.onChange((change) => tellDossier(rpc, change));
    const witness = new StallWitness({ rpc, logger, isLeader: () => this.#server?.isLeader() === true });
    membership.onUserEvent((event) => witness.receive(event));
    return { rpc, pool };
  }

  #startSync(
    parts: LocalParts,
    membership: GossipMembership,
    rpc: Rpc,
    pool: ServerPool | null,
  ): AntiEntropy {
    const { host } = this.#options;
    const sync = new AntiEntropy({
      clock: host.clock,
      random: host.random,
      rpc,
      journal: parts.journal,
      state: parts.state,
      identity: () => this.#identity(),
      clusterSize: () => membership.members().length,
      onConnected: (listener) => pool?.onConnected(listener) ?? (() => {}),
      report: (report) => this.#reportSync(report),
    });
    sync.start();
    // A server is connected to itself from the first moment.
    if (pool === null) sync.compareSoon();
    this.#running.push(() => sync.stop());
    return sync;
  }

  #startNews({ state }: LocalParts, membership: GossipMembership): GossipNews {
    const { nodeName: node } = this.#config;
    const news = new GossipNews({ clock: this.#options.host.clock, node, membership, state });
    this.#running.push(() => news.stop());
    return news;
  }

  #makeKeyRotation({ store }: LocalParts, membership: GossipMembership): KeyRotation {
    const { clock, random } = this.#options.host;
    const rotation = new KeyRotation({
      clock,
      random,
      keys: (operation, key) => membership.keys(operation, key),
      failedMembers: () =>
        membership.members().flatMap((each) => (each.state === 'failed' ? [each.name] : [])),
      saved: store.value<SavedRotation | null>('key-rotation', { mode: 0o600 }),
    });
    this.#keyRotation = rotation;
    this.#running.push(() => rotation.halt());
    return rotation;
  }

  async #startHttp({ parts, ...shown }: HttpParts): Promise<void> {
    const { host, folder, onEnd } = this.#options;
    const config = this.#config;
    if (config.ports.http === -1) return;
    const context = makeHttpContext({
      clock: host.clock,
      random: host.random,
      nodeId: folder.meta.nodeId,
      config: () => this.#config,
      ...shown,
      local: parts.local,
      journal: parts.journal,
      server: this.#server,
      escapes: () => host.kindPorts.sandbox.escapes,
      seenAs: () => this.#notices?.seenAs() ?? [],
      reload: () => this.reload(),
      leave: () => this.leave(),
      end: () => onEnd(null),
      onBug: (error, where) => this.#onBug(error, where),
    });
    for (const clientHost of config.clientHosts) {
      const at = { host: clientHost, port: config.ports.http };
      const http = await startHttp(context, at).catch((error: unknown) => {
        throw cannotListen('HTTP', 'ports.http', at, error);
      });
      this.#running.push(() => http.stop());
    }
  }

  #startJoining(membership: GossipMembership): void {
    const { host, logger } = this.#options;
    const { retryJoin, retryIntervalMs, startJoin, datacenter, nodeName } = this.#config;
    const joiner = new Joiner(
      {
        clock: host.clock,
        logger,
        join: (addresses) => membership.join(addresses),
        serverInView: () =>
          this.#server?.hasLeader() === true ||
          knownServers(membership, datacenter).some(({ name }) => name !== nodeName),
      },
      retryJoin,
      retryIntervalMs,
    );
    this.#joiner = joiner;
    this.#running.push(() => joiner.stop());
    joiner.start(startJoin);
  }

  async #stop(): Promise<void> {
    try {
      if (this.#config.leaveOnTerminate) await this.#goodbye({ forGood: false });
    } finally {
      await this.#stopParts();
    }
  }

  async #goodbye(options: { forGood: boolean }): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.#joiner?.stop();
    await this.#membership?.leave(options);
  }

  async #stopParts(): Promise<void> {
    for (const stop of this.#running.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        this.#options.logger.error(`a part of the agent did not stop cleanly: ${messageOf(error)}`);
      }
    }
  }

  #kinds(): Kinds {
    const { kindPorts, clock } = this.#options.host;
    const kinds = checkKinds({
      ...kindPorts,
      aliases: { checksOf: (node, service) => catalogAliases(this.#rpc!).checksOf(node, service) },
      leaderClock: { offsetMs: (timeoutMs) => leaderClock(this.#rpc!, clock).offsetMs(timeoutMs) },
    });
    return redacting(kinds, () => this.#config.secrets);
  }

  #identity(): AgentIdentity {
    const { nodeName, advertise, datacenter, nodeMeta } = this.#config;
    const { host } = advertise;
    const family = host.includes(':') ? 'ipv6' : 'ipv4';
    return {
      node: nodeName,
      nodeId: this.#options.folder.meta.nodeId,
      address: host,
      datacenter,
      taggedAddresses: { lan: host, [`lan_${family}`]: host, wan: host, [`wan_${family}`]: host },
      meta: { 'consul-network-segment': '', ...nodeMeta },
    };
  }

  /** The gossip ring as it is now, so that a rotated key holds on 8300 as well; the configured key before there is one. */
  #rawKeys(): readonly Uint8Array[] {
    return this.#membership?.ring() ?? this.#options.keys.map((key) => Buffer.from(key, 'base64'));
  }

  #reportSync(report: SyncReport): void {
    const { logger } = this.#options;
    switch (report.kind) {
      case 'failed':
        logger.debug(`sync failed: ${report.error.message}`, { retryMs: Math.round(report.retryMs) });
        return;
      case 'recovered':
        logger.info('sync with the servers goes on');
        return;
      case 'repaired':
        logger.info(`the servers' rows of this agent differed: ${report.repairs} repaired`);
        return;
      case 'forgotten':
        logger.warn(
          `the servers hold revision ${report.held} of the journal and had confirmed ${report.confirmed}`,
        );
        return;
    }
  }

  #onBug(error: unknown, where: string): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#options.logger.error(`internal error in ${where}: ${messageOf(error)}`, { stack });
  }
}

/** The agent whose own timer gave a verdict tells the leader at once what led to it. */
function tellDossier(rpc: Rpc, { kind, member, dossier }: MembershipChange): void {
  if (kind !== 'failed' || dossier === null) return;
  rpc.notify('gossip.dossier', {
    node: member.name,
    nodeId: member.tags.id ?? '',
    incarnation: member.incarnation,
    evidence: dossier,
  });
}
