/**
 * What the page does, in plain JavaScript for the browser. It reads the members and the checks, follows the event log, and
 * reads them again when an event says that something changed. Text goes in as text, never as markup. No backslashes
 * and no template strings in here, so that what stands in this file is what the browser runs.
 */
export const script = `
'use strict';
const eventsShownMax = 200;
const quietRefreshMs = 15000;
const byId = (id) => document.getElementById(id);

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function stateCell(word, kind) {
  const cell = element('td');
  cell.append(element('span', 'state ' + kind, word));
  return cell;
}

const memberStates = ['none', 'alive', 'leaving', 'left', 'failed'];
const memberKinds = { alive: 'good', leaving: 'warn', left: '', failed: 'bad', none: '' };
const checkKinds = { passing: 'good', warning: 'warn', critical: 'bad', stale: 'bad', maintenance: 'warn', pending: '' };
const checkOrder = ['critical', 'stale', 'warning', 'maintenance', 'pending', 'passing'];

async function read(path) {
  const answer = await fetch(path, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error((await answer.text()) || answer.status);
  return { value: await answer.json(), offset: answer.headers.get('x-rollcall-offset') };
}

function fill(id, rows, nothing) {
  const body = byId(id);
  body.replaceChildren(...rows);
  if (rows.length > 0) return;
  const cell = element('td', 'empty', nothing);
  cell.colSpan = 9;
  const row = element('tr');
  row.append(cell);
  body.append(row);
}

async function showMembers() {
  const members = (await read('/v1/agent/members')).value;
  members.sort((a, b) => a.Name.localeCompare(b.Name));
  fill('members', members.map((member) => {
    const state = memberStates[member.Status] || 'none';
    const host = member.Addr.includes(':') ? '[' + member.Addr + ']' : member.Addr;
    const row = element('tr');
    row.append(
      stateCell(state, memberKinds[state]),
      element('td', '', member.Name),
      element('td', 'code', host + ':' + member.Port),
      element('td', '', member.Tags.rc_port !== undefined || member.Tags.role === 'consul' ? 'server' : 'agent'),
    );
    return row;
  }), 'Nobody yet.');
  const alive = members.filter((member) => member.Status === 1).length;
  byId('member-count').textContent = alive + ' of ' + members.length + ' alive';
}

async function showChecks() {
  const checks = (await read('/v1/health/state/any?stale')).value;
  const statusOf = (check) => check.RollcallStatus || check.Status;
  const rank = (check) => (checkOrder.indexOf(statusOf(check)) + checkOrder.length) % checkOrder.length;
  const name = (check) => check.Node + ' ' + check.ServiceID + ' ' + check.CheckID;
  checks.sort((a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b)));
  const onlyBad = byId('only-bad').checked;
  const shown = checks.filter((check) => !onlyBad || statusOf(check) !== 'passing');
  fill('checks', shown.map((check) => {
    const status = statusOf(check);
    const row = element('tr');
    row.title = check.LastChange ? 'since ' + check.LastChange : '';
    row.append(
      stateCell(status, checkKinds[status] || ''),
      element('td', '', check.Node),
      element('td', '', check.ServiceID ? check.ServiceID + ' / ' + check.CheckID : check.CheckID),
      element('td', 'output', (status === 'maintenance' ? check.Notes : check.Output).trim().slice(0, 300)),
    );
    return row;
  }), onlyBad ? 'Everything passes.' : 'No checks yet.');
  const passing = checks.filter((check) => check.Status === 'passing').length;
  byId('check-count').textContent = passing + ' of ' + checks.length + ' passing';
}

async function showAgent() {
  const self = (await read('/v1/agent/self')).value;
  byId('agent').textContent = self.Config.NodeName;
  byId('datacenter').textContent = self.Config.Datacenter;
  document.title = 'rollcall: ' + self.Config.NodeName;
  const leader = (await read('/v1/status/leader')).value;
  byId('leader').textContent = leader || 'none';
}

async function refresh() {
  const results = await Promise.allSettled([showMembers(), showChecks(), showAgent()]);
  const failed = results.find((result) => result.status === 'rejected');
  byId('trouble').textContent = failed ? failed.reason.message : '';
}

let due = 0;
function refreshSoon() {
  if (due) return;
  due = setTimeout(() => { due = 0; refresh(); }, 300);
}

function kindOf(event) {
  const word = event.To || event.Kind;
  return memberKinds[word] || checkKinds[word] || '';
}

function eventItem(event) {
  const item = element('li');
  const what = [event.Service, event.Check].filter(Boolean).join(' / ');
  const change = event.From && event.To ? event.From + ' → ' + event.To : event.To || event.Kind;
  const line = element('div');
  line.append(
    element('strong', kindOf(event), change), ' ',
    event.Node ? event.Node + (what ? ', ' + what : '') : what,
  );
  const time = element('time', '', event.Time.replace('T', ' ').replace('Z', ' UTC') + ' · ' + event.Kind);
  item.append(element('span', 'number', event.Offset), line, time);
  if (event.Output) item.append(element('div', 'more', event.Output.trim().slice(0, 300)));
  return item;
}

function put(item) {
  const list = byId('events');
  list.prepend(item);
  while (list.children.length > eventsShownMax) list.lastChild.remove();
  byId('no-events').hidden = true;
}

async function listen() {
  const now = await read('/v1/events?limit=1').catch(() => null);
  if (now === null) {
    byId('live').textContent = 'no server answers';
    setTimeout(listen, 3000);
    return;
  }
  const after = Math.max(0, Number(now.offset) - eventsShownMax);
  const source = new EventSource('/v1/events/stream?after=' + after);
  source.onopen = () => { byId('live').textContent = 'live'; };
  source.onerror = () => {
    byId('live').textContent = 'connection lost, trying again';
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 3000);
  };
  source.onmessage = (message) => { put(eventItem(JSON.parse(message.data))); refreshSoon(); };
  source.addEventListener('gap', (message) => {
    const gap = JSON.parse(message.data).Gap;
    const item = element('li');
    item.append(element('span', 'number', '…'), element('div', '', gap.From + ' to ' + gap.To + ': ' + gap.Reason));
    put(item);
  });
}

byId('only-bad').addEventListener('change', refresh);
refresh();
setInterval(refresh, quietRefreshMs);
listen();
`;
