// Asks whichever node the balancer leads to, once a second; a node that was there and is not any more stays in the list.
const $ = (selector) => document.querySelector(selector);
const seen = new Map(); // name → the last that was heard of the node

function cell(text, kind = '') {
  const td = document.createElement('td');
  td.className = kind;
  td.textContent = text;
  return td;
}

function row(node, present) {
  const tr = document.createElement('tr');
  tr.dataset.node = node.name;
  tr.className = present ? '' : 'gone';
  const since = new Date(node.started * 1000).toLocaleTimeString();
  const lag = node.lag_ms === undefined ? '–' : `${node.lag_ms.toFixed(1)} ms`;
  tr.append(cell(node.name), cell(node.process), cell(present ? node.connections : '–', 'number'),
    cell(present ? lag : '–', 'number'), cell(present ? `${(node.seen_ms / 1000).toFixed(1)} s ago` : 'gone', 'number'),
    cell(since));
  return tr;
}

function show({ answered_by: by, ready, nodes, rooms }) {
  for (const node of nodes) seen.set(node.name, node);
  const present = new Set(nodes.map(({ name }) => name));
  $('#nodes').replaceChildren(...[...seen.values()].map((node) => row(node, present.has(node.name))));
  $('#rooms').replaceChildren(...rooms.map(({ name, count }) => {
    const li = document.createElement('li');
    li.textContent = `#${name} ${count}`;
    return li;
  }));
  state(ready ? 'ready' : 'degraded', `${by} answers, and is ${ready ? 'ready' : 'cut off from Redis'}`);
}

function state(name, text) {
  $('#state').dataset.state = name;
  $('#state').textContent = text;
}

for (;;) {
  try {
    const answer = await fetch('/status.json', { cache: 'no-store', signal: AbortSignal.timeout(3000) });
    if (!answer.ok) throw new Error(`${answer.status}`);
    show(await answer.json());
  } catch {
    state('lost', 'no node answers');
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
