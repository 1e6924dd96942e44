import { Command } from 'commander';
import { expect, test } from 'vitest';
import { loadAloud, requestOf, withAgentFlags } from '../../../agent/cli/agent.ts';
import { rollcall, Terminal } from './stage.ts';

function request(...argv: string[]) {
  const command = withAgentFlags(new Command()).exitOverride();
  return requestOf(command.parse(argv, { from: 'user' }).opts());
}

test('every flag reaches the configuration', async () => {
  const { config } = await loadAloud(
    request(
      ...'--node n1 --datacenter dc2 --bind 127.0.0.2 --advertise 10.0.0.9 --client 127.0.0.3 --data-dir /tmp/x'.split(
        ' ',
      ),
      ...'--server --bootstrap-expect 3 --join 10.0.0.1 --join [::1]:9 --http-port -1 --serf-port 2'.split(
        ' ',
      ),
      ...'--server-port 3 --dns-port 4 --log-level debug --log-json'.split(' '),
    ),
    new Terminal(),
  );
  expect(config).toMatchObject({
    nodeName: 'n1',
    datacenter: 'dc2',
    bind: { host: '127.0.0.2', port: 2 },
    advertise: { host: '10.0.0.9', port: 2 },
    clientHosts: ['127.0.0.3'],
    dataDir: '/tmp/x',
    server: true,
    bootstrapExpect: 3,
    retryJoin: ['10.0.0.1', '[::1]:9'],
    ports: { http: -1, serf: 2, server: 3, dns: 4 },
    logLevel: 'debug',
    logJson: true,
  });
});

test('files count in the order in which they were named', () => {
  expect(request('-c', 'a', '--config', 'b').paths).toEqual(['a', 'b']);
});

test('a configuration with errors starts nothing', async () => {
  const { code, error } = await rollcall(['agent', '--bind', 'nowhere', '--server-port', '8301', '--server']);
  expect(code).toBe(1);
  expect(error).toContain('--bind: error: bind_addr: must be an IP address, not "nowhere"');
  expect(error).toContain('data_dir: is missing');
  expect(error).toMatch(/rollcall: the configuration has \d errors; nothing was started\n$/);
});

test('a port that is no number is wrong usage', async () => {
  expect(await rollcall(['agent', '--http-port', 'http'])).toMatchObject({
    code: 2,
    error: expect.stringContaining('It must be a port number.'),
  });
});
