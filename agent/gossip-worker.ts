/** The gossip thread: nothing but gossip runs here, so nothing else of the agent can hold up an ack. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../proto/assert.ts';
import { GossipHost } from './gossip-host.ts';
import type { FromThread, GossipSettings, Link, ToThread } from './gossip-link.ts';
import { watchMainThread } from './gossip-watch.ts';

const { settings, beats } = workerData as { settings: GossipSettings; beats: Int32Array };
assert(parentPort !== null, 'this file runs in a worker thread');
const port = parentPort;

const link: Link<FromThread, ToThread> = {
  post: (message) => port.postMessage(message),
  onMessage: (listener) => {
    port.on('message', listener);
  },
};

const host = await GossipHost.start(link, settings);
if (host === null) port.close();
else watchMainThread({ beats, gossip: host.gossip, link, name: settings.name });
