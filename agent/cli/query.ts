/** `rollcall query NAME [PAYLOAD]`: asks all members, or some, and shows what they answer. */
import { Command } from 'commander';
import { parseJson, pathPart, type Query } from './api.ts';
import { harmless, type Io } from './io.ts';
import { apiOf, collect, printJson, type SharedOptions, wholeNumber, withAgent } from './shared.ts';

interface Options extends SharedOptions {
  readonly node?: readonly string[];
  readonly tag?: readonly string[];
  readonly ack?: boolean;
  readonly relay?: number;
  readonly timeout?: string;
}

interface Result {
  readonly Acks: readonly string[];
  readonly Answers: readonly { readonly From: string; readonly Payload: string | null }[];
}

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<name>', 'the question; agents of ours answer rollcall:health')
    .argument('[payload]', 'more about it')
    .option('--node <name>', 'ask only this member; repeatable', collect)
    .option('--tag <key=expression>', 'ask only members whose tag matches; repeatable', collect)
    .option('--ack', 'show who heard the question as well')
    .option('--relay <n>', 'let so many members pass each answer on (0 to 5)', wholeNumber)
    .option('--timeout <time>', 'how long answers are taken; default: as long as the cluster needs')
    .action(async (name: string, payload: string | undefined, options: Options) => {
      const api = apiOf(options, io);
      const path = `/v1/agent/query-members/${pathPart(name)}`;
      const answer = await api.put(path, queryOf(options), payload ?? '');
      const result = parseJson<Result>(answer.body, api.base);
      if (options.format === 'json') return printJson(io, result);
      await io.print(formatAnswers(result, options.ack === true));
    });
}

function queryOf({ node, tag, ack, relay, timeout }: Options): Query {
  return {
    node,
    tag,
    ack: ack ? '' : undefined,
    'relay-factor': relay === undefined ? undefined : String(relay),
    timeout,
  };
}

/** Each line of an answer behind the name of who gave it. */
function formatAnswers({ Acks, Answers }: Result, withAcks: boolean): string {
  const acks = withAcks ? [...Acks].sort().map((name) => `${name} has heard it`) : [];
  const answers = Answers.flatMap(({ From, Payload }) => {
    const text = Buffer.from(Payload ?? '', 'base64').toString('utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => `${From}: ${line}`);
  });
  const total = `${Answers.length} ${Answers.length === 1 ? 'answer' : 'answers'}`;
  const summary = withAcks ? `${Acks.length} have heard it, ${total}.` : `${total}.`;
  return `${[...acks, ...answers].map(harmless).concat(summary).join('\n')}\n`;
}
