/** What `filter=` may ask of each kind of row, by the names in the answers (consul-http-api, section 4). */
import { compileFilter, type Fields } from '../../proto/filter.ts';
import type { Call } from './call.ts';

const taggedAddresses = { mapOf: { Address: 'string', Port: 'number' } } as const;
const weights = { fields: { Passing: 'number', Warning: 'number' } } as const;
const proxy = {
  fields: {
    DestinationServiceName: 'string',
    DestinationServiceID: 'string',
    LocalServiceAddress: 'string',
    LocalServicePort: 'number',
  },
} as const;
const connect = { fields: { Native: 'bool' } } as const;

export const checkFields: Fields = {
  CheckID: 'string',
  Name: 'string',
  Node: 'string',
  Notes: 'string',
  Output: 'string',
  ServiceID: 'string',
  ServiceName: 'string',
  ServiceTags: 'strings',
  Status: 'string',
  Type: 'string',
};

export const serviceFields: Fields = {
  ID: 'string',
  Service: 'string',
  Kind: 'string',
  Tags: 'strings',
  Address: 'string',
  Port: 'number',
  Meta: 'texts',
  TaggedAddresses: taggedAddresses,
  Weights: weights,
  EnableTagOverride: 'bool',
  Proxy: proxy,
  Connect: connect,
};

export const nodeFields: Fields = {
  Node: 'string',
  ID: 'string',
  Address: 'string',
  Datacenter: 'string',
  Meta: 'texts',
  TaggedAddresses: 'texts',
};

export const catalogServiceFields: Fields = {
  Node: 'string',
  ID: 'string',
  Address: 'string',
  Datacenter: 'string',
  NodeMeta: 'texts',
  TaggedAddresses: 'texts',
  ServiceID: 'string',
  ServiceName: 'string',
  ServiceKind: 'string',
  ServiceTags: 'strings',
  ServiceAddress: 'string',
  ServicePort: 'number',
  ServiceMeta: 'texts',
  ServiceTaggedAddresses: taggedAddresses,
  ServiceWeights: weights,
  ServiceEnableTagOverride: 'bool',
  ServiceProxy: proxy,
  ServiceConnect: connect,
};

export const healthServiceFields: Fields = {
  Node: { fields: nodeFields },
  Service: { fields: serviceFields },
  Checks: { listOf: checkFields },
};

/** Rows in the shape of the answer, those that the request's filter selects. Throws BAD_REQUEST when it cannot be read. */
export function selected<Row>(call: Call, rows: readonly Row[], fields: Fields): Row[] {
  const expression = call.get('filter');
  if (expression === '') return [...rows];
  const holds = compileFilter(expression, fields);
  return rows.filter((row) => holds(row));
}
