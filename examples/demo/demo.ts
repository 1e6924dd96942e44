/**
 * `npm run demo`: a whole fleet on this machine. Without a flag it shows members, leader and a live list of
 * failure events until Ctrl-C; with `--script` it plays a story without a person and says whether it came true.
 */
import { agentNames, Fleet, formed, httpAddress, members, until } from './fleet.ts';
import { Listener } from './listener.ts';
import { playStory } from './story.ts';

const scripted = process.argv.includes('--script');
const unknown = process.argv.slice(2).find((argument) => argument !== '--script');
if (unknown !== undefined) {
  console.error(`demo: unknown argument ${unknown}; the only one is --script`);
  process.exit(2);
}

const fleet = await Fleet.create();
const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => resolve('interrupted'));
});
const brokenDown = new Promise<never>((_, reject) => {
  fleet.onUnexpectedEnd = (ended, exitCode) => {
    const words = ended.lines.slice(-5).join('\n  ');
    reject(new Error(`${ended.name} ended by itself (exit code ${exitCode}):\n  ${words}`));
  };
});
// It may happen while nobody waits for it yet.
brokenDown.catch(() => {});

const started = performance.now();
try {
  await fleet.startService();
  for (const name of agentNames) fleet.startAgent(name);
  const end = await Promise.race([scripted ? playStory(fleet) : show(), interrupted, brokenDown]);
  if (end === 'interrupted' && scripted) process.exitCode = 130;
  if (end !== 'interrupted') {
    console.log(`the story came true in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await fleet.stop();
}
// A story that was interrupted may still wait for something.
process.exit();

/** Prints who is there and what happens, until the process is interrupted. */
async function show(): Promise<never> {
  console.log('starting three servers and two agents …');
  const leader = await until('the cluster forms', 40_000, formed);
  for (const member of await members('web-1')) {
    const role = member.Name === leader ? 'leader' : member.Name.startsWith('server-') ? 'server' : 'agent';
    console.log(`  ${member.Name.padEnd(10)} ${role.padEnd(7)} gossip ${member.Addr}:${member.Port}`);
  }
  console.log(`
the page:     ${httpAddress('server-1')}/ui
try it:       npx rollcall members --http-addr ${httpAddress('web-2')}
break it:     curl -X PUT http://127.0.0.1:18580/mode/broken    (and /mode/ok)
end it:       Ctrl-C

failure events, as they happen:`);
  const addresses = agentNames.map(httpAddress);
  new Listener(addresses, 0, (event) => {
    const what = [event.Node, event.Check || event.Service].filter((part) => part !== '').join(' / ');
    const move = event.From === event.To ? event.To : `${event.From || '–'} → ${event.To || '–'}`;
    console.log(
      `  ${String(event.Offset).padStart(4)}  ${event.Time}  ${event.Kind.padEnd(18)} ${what}  ${move}`,
    );
  });
  return new Promise(() => {});
}
