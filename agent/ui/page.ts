/** The page at `/ui`: members, checks and the live events, in one answer without a framework. */
import { createHash } from 'node:crypto';
import { script } from './script.ts';
import { style } from './style.ts';

const body = `
<header>
  <h1>rollcall</h1>
  <dl>
    <div><dt>agent</dt><dd id="agent">…</dd></div>
    <div><dt>datacenter</dt><dd id="datacenter">…</dd></div>
    <div><dt>leader</dt><dd id="leader" class="number">…</dd></div>
    <div><dt>events</dt><dd id="live">…</dd></div>
  </dl>
  <strong id="trouble" class="bad" role="status"></strong>
</header>
<main>
  <div id="left">
    <section>
      <div class="title"><h2>Members</h2><span id="member-count"></span></div>
      <div><table>
        <thead><tr><th>State</th><th>Node</th><th>Address</th><th>Type</th></tr></thead>
        <tbody id="members"></tbody>
      </table></div>
    </section>
    <section>
      <div class="title">
        <h2>Checks</h2>
        <label><input type="checkbox" id="only-bad"> only what does not pass</label>
        <span id="check-count"></span>
      </div>
      <div><table>
        <thead><tr><th>Status</th><th>Node</th><th>Check</th><th>Output</th></tr></thead>
        <tbody id="checks"></tbody>
      </table></div>
    </section>
  </div>
  <section>
    <div class="title"><h2>Events</h2><span>newest first</span></div>
    <p id="no-events" class="empty">Nothing has happened yet.</p>
    <ol id="events" aria-live="polite"></ol>
  </section>
</main>
`;

export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rollcall</title>
<style>${style}</style>
</head>
<body>${body}<script>${script}</script></body>
</html>
`;

/** Only what stands in the page runs, and it talks to its agent alone: an output that looks like a script stays text. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
