/**
 * The small real HTTP service of the demo: `GET /health` answers 200 or, when it was told to be broken, 503.
 * `PUT /mode/ok` and `PUT /mode/broken` switch it. It ends when its standard input does, so that it never
 * outlives the demo.
 */
import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 18580);
let broken = false;

const server = createServer((request, response) => {
  if (request.method === 'PUT') {
    broken = request.url === '/mode/broken';
    response.end();
    return;
  }
  response.statusCode = broken ? 503 : 200;
  response.end(broken ? 'the till is jammed\n' : 'open for business\n');
});

server.on('error', (error) => {
  console.error(`the demo's service cannot listen on 127.0.0.1:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
