/**
 * May these two tables be merged? memberlist refuses a whole exchange when one member anywhere speaks a version that
 * another one does not understand, so we check by the same rule and are never the ones who spread such a member.
 */
import type { PushNodeState } from '../../proto/gossip/messages.ts';
import type { Members } from './members.ts';

/** The name of a member that does not fit, or undefined when all fit. */
export function findIncompatible(members: Members, nodes: readonly PushNodeState[]): string | undefined {
  const span = { protocolMin: 0, protocolMax: 255, delegateMin: 0, delegateMax: 255 };
  const narrow = (vsn: Uint8Array) => {
    span.protocolMin = Math.max(span.protocolMin, vsn[0]!);
    span.protocolMax = Math.min(span.protocolMax, vsn[1]!);
    span.delegateMin = Math.max(span.delegateMin, vsn[3]!);
    span.delegateMax = Math.min(span.delegateMax, vsn[4]!);
  };
  // A missing vector counts as speaking version 0, which nobody understands.
  const fits = (vsn: Uint8Array) => {
    const protocol = vsn[2] ?? 0;
    const delegate = vsn[5] ?? 0;
    return (
      protocol >= span.protocolMin &&
      protocol <= span.protocolMax &&
      delegate >= span.delegateMin &&
      delegate <= span.delegateMax
    );
  };
  for (const node of nodes) if (node.state === 'alive' && node.vsn.length === 6) narrow(node.vsn);
  for (const number of members.order) {
    if (members.belief(number) === 'alive') narrow(members.record(number).vsn);
  }
  const foreign = nodes.find((node) => !fits(node.vsn));
  if (foreign !== undefined) return foreign.name;
  const own = members.order.find((number) => !fits(members.record(number).vsn));
  return own === undefined ? undefined : members.record(own).name;
}
