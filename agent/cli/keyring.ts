/** `rollcall keyring …`: the gossip keys of all members. */
import { Command } from 'commander';
import { someNames } from '../../proto/names.ts';
import { Exit, exitFailed, exitUsage, harmless, type Io } from './io.ts';
import { followRotation, type Rotation } from './key-rotation.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';
import { formatTable } from './table.ts';

interface RotateOptions extends SharedOptions {
  readonly to?: string;
  readonly resume?: boolean;
  readonly abort?: boolean;
  readonly status?: boolean;
}

/** As in Consul's `GET /v1/operator/keyring`, with `Rings` of our own. */
interface Pool {
  readonly Keys: Readonly<Record<string, number>>;
  readonly PrimaryKeys: Readonly<Record<string, number>>;
  readonly NumNodes: number;
  readonly Messages?: Readonly<Record<string, string>>;
  readonly Rings: Readonly<Record<string, readonly string[]>>;
}

const path = '/v1/operator/keyring';
const rotationPath = '/v1/agent/key-rotation';

export function command(io: Io): Command {
  const keyring = new Command().usage('<list|install|use|remove|rotate> [options]');
  const add = (name: string, description: string) => {
    const inner = withAgent(new Command(name)).description(description);
    keyring.addCommand(inner);
    return inner;
  };
  add('list', 'Show which keys members have, and which one they seal with.').action(
    async (options: SharedOptions) => list(options, io),
  );
  const change = (name: string, description: string, method: 'post' | 'put' | 'delete', done: string) =>
    add(name, description)
      .argument('<key>', '16, 24 or 32 bytes in base64')
      .action(async (key: string, options: SharedOptions) => {
        const body = JSON.stringify({ Key: key });
        await apiOf(options, io)[method](path, {}, body);
        if (options.format === 'json') return printJson(io, { Key: key, Done: name });
        await io.print(`${done}\n`);
      });
  change('install', 'Let all members open what is sealed with a key.', 'post', 'All members have the key.');
  change('use', 'Let all members seal with a key that they have.', 'put', 'All members seal with the key.');
  change('remove', 'Let all members forget a key that they do not seal with.', 'delete', 'The key is gone.');
  add('rotate', 'Go to a new key, step by step, and wait for all members at each.')
    .option('--to <key>', 'go to this key instead of a new one')
    .option('--resume', 'go on with a rotation that broke off')
    .option('--abort', 'go back to the old key')
    .option('--status', 'only say how far it is')
    .addHelpText('after', '\nThe agent does the work: it goes on when this command is interrupted.')
    .action(async (options: RotateOptions) => rotate(options, io));
  return keyring;
}

async function list(options: SharedOptions, io: Io): Promise<void> {
  const [pool] = await apiOf(options, io).json<Pool[]>(path, { rings: '' });
  if (pool === undefined) throw new Exit(exitFailed, 'the agent named no keyring');
  if (options.format === 'json') return printJson(io, pool);
  const { Keys, NumNodes, Messages = {}, Rings } = pool;
  const rings = Object.entries(Rings);
  const rows = Object.entries(Keys).map(([key, count]) => {
    const sealing = rings.filter(([, [primary]]) => primary === key).map(([name]) => name);
    const lacking = rings.filter(([, ring]) => !ring.includes(key)).map(([name]) => name);
    return [
      key,
      `${count}/${NumNodes}`,
      `${sealing.length}/${NumNodes}`,
      lacking.length === 0 ? '' : `not with ${someNames(lacking)}`,
    ];
  });
  await io.print(formatTable(['Key', 'Members', 'Sealing', ''], rows));
  for (const [name, message] of Object.entries(Messages))
    await io.print(`${harmless(name)}: ${harmless(message)}\n`);
}

async function rotate(options: RotateOptions, io: Io): Promise<void> {
  const api = apiOf(options, io);
  if ([options.to, options.resume, options.abort, options.status].filter(Boolean).length > 1) {
    throw new Exit(exitUsage, '--to, --resume, --abort and --status exclude one another');
  }
  if (options.status) return showRotation(await api.json<Rotation>(rotationPath), options, io);
  if (options.abort) await api.delete(rotationPath);
  else if (options.resume) await api.put(rotationPath, { resume: '' });
  else await api.put(rotationPath, {}, JSON.stringify(options.to === undefined ? {} : { Key: options.to }));
  const end = await followRotation(
    () => api.json<Rotation>(rotationPath),
    (line) => (options.format === 'json' ? Promise.resolve() : io.print(`${line}\n`)),
  );
  if (options.format === 'json') await printJson(io, end);
  if (end.State !== 'done') throw new Exit(exitFailed, harmless(`the rotation broke off: ${end.Reason}`));
}

async function showRotation(rotation: Rotation, options: RotateOptions, io: Io): Promise<void> {
  if (options.format === 'json') return printJson(io, rotation);
  const { State, Step, Reason } = rotation;
  const detail = [Step === '' ? '' : `at "${Step}"`, Reason].filter((part) => part !== '').join(': ');
  await io.print(
    `${harmless(State === 'none' ? 'no rotation' : State)}${detail && ` ${harmless(detail)}`}\n`,
  );
}
