/** What gossip decided and the leader proposed. A verdict about an older life of a node changes nothing. */
import type { NodeRow } from '../../proto/schema/catalog.ts';
import type { Body, Change } from './change.ts';
import { admitAgent, failedOutput, forgetNode, leftOutput, mirrorGossip, reviveNode } from './nodes.ts';
import type { Effect } from './outcome.ts';

export function applyNodeAlive(change: Change, body: Body<'node.alive'>): Effect {
  const admitted = admitAgent(change, body.identity);
  if ('refused' in admitted) return admitted;
  const row = admitted.state === 'alive' ? admitted : reviveNode(change, admitted);
  if (row.incarnation !== body.incarnation) change.catalog.noteIncarnation(row.name, body.incarnation);
  return {};
}

export function applyNodeFailed(change: Change, body: Body<'node.failed'>): Effect {
  const row = rowInLife(change, body);
  if (row?.state !== 'alive') return {};
  change.catalog.putNode({ ...row, state: 'failed', modifyIndex: change.index });
  mirrorGossip(change, row.name, 'critical', failedOutput);
  const offset = change.emit({
    Kind: 'node.failed',
    Node: row.name,
    From: row.state,
    To: 'failed',
    Output: failedOutput,
    Cause: 'probe',
    Evidence: body.evidence,
    Life: row.life,
  });
  noteEnding(change, row, offset);
  return {};
}

/** A server keeps its rows: it stays a voter and will be back. Any other node takes its rows along. */
export function applyNodeLeft(change: Change, body: Body<'node.left'>): Effect {
  const row = rowInLife(change, body);
  if (row === undefined || row.state === 'left') return {};
  change.catalog.putNode({ ...row, state: 'left', modifyIndex: change.index });
  if (change.state.servers.has(row.id)) mirrorGossip(change, row.name, 'critical', leftOutput);
  else change.catalog.clearNode(row.name, change.index);
  const offset = change.emit({
    Kind: 'node.left',
    Node: row.name,
    From: row.state,
    To: 'left',
    Cause: body.cause,
    Life: row.life,
  });
  noteEnding(change, row, offset);
  return {};
}

export function applyNodeReap(change: Change, body: Body<'node.reap'>): Effect {
  const row = rowInLife(change, body);
  if (row === undefined || row.state === 'alive' || change.state.servers.has(row.id)) return {};
  forgetNode(change, row, 'reap');
  return {};
}

export function applyNodeEvidence(change: Change, body: Body<'node.evidence'>): Effect {
  const ending = change.state.endings.get(body.node);
  if (ending?.life !== body.life) return {};
  change.emit({
    Kind: 'node.evidence',
    Node: body.node,
    Evidence: body.evidence,
    Ref: ending.offset,
    Life: body.life,
  });
  return {};
}

function noteEnding(change: Change, row: NodeRow, offset: number): void {
  change.state.endings.set(row.name, { life: row.life, offset, timeMs: change.timeMs });
}

function rowInLife(change: Change, of: { node: string; life: number }): NodeRow | undefined {
  const row = change.catalog.node(of.node);
  return row === undefined || row.external || row.life !== of.life ? undefined : row;
}
