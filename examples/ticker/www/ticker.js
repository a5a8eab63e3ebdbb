// A live chart over one EventSource. The browser comes back by itself and tells the id of the last event it has seen;
// the server then sends what was missed, or `reset` if it does not have it any more.
const at = (id) => document.getElementById(id);
const span = 120_000;  // milliseconds that the chart shows
const symbols = new Map();  // name -> { colour, points: [{ time, price }], card }
const counts = { events: 0, resumes: 0, resets: 0 };
let opened = false;

function state(name, text = name) {
  at('state').dataset.state = name;
  at('state').textContent = text;
}

function count(what) {
  at(what).textContent = ++counts[what];
}

function card(name, colour) {
  const item = document.createElement('li');
  item.style.setProperty('--colour', `var(--s${colour})`);
  item.innerHTML = '<span class="move"></span><div class="name"></div><div class="price"></div>';
  item.querySelector('.name').textContent = name;
  at('symbols').append(item);
  return { price: item.querySelector('.price'), move: item.querySelector('.move') };
}

function take({ symbol, price, time }) {
  if (!symbols.has(symbol)) symbols.set(symbol, { colour: symbols.size % 4, points: [], card: card(symbol, symbols.size % 4) });
  const { points, card: on } = symbols.get(symbol);
  points.push({ time, price });
  while (points.length > 1 && points[0].time < time - span) points.shift();
  const move = (price / points[0].price - 1) * 100;
  on.price.textContent = price.toFixed(2);
  on.move.textContent = `${move < 0 ? '−' : '+'}${Math.abs(move).toFixed(2)} %`;
  on.move.className = `move ${move < 0 ? 'down' : 'up'}`;
}

function draw() {
  requestAnimationFrame(draw);
  const canvas = at('chart');
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  const lines = [...symbols.values()].filter((s) => s.points.length > 1);
  if (lines.length === 0) return;
  const percent = (s, p) => (p.price / s.points[0].price - 1) * 100;
  const now = Math.max(...lines.map((s) => s.points.at(-1).time));
  const most = Math.max(0.1, ...lines.flatMap((s) => s.points.map((p) => Math.abs(percent(s, p)))));
  const x = (time) => 8 + (1 - (now - time) / span) * (width - 16);
  const y = (value) => height / 2 - (value / most) * (height / 2 - 18);
  const style = getComputedStyle(document.documentElement);
  c.strokeStyle = style.getPropertyValue('--line');
  c.fillStyle = style.getPropertyValue('--ink');
  c.lineWidth = 1;
  c.font = '12px system-ui, sans-serif';
  for (const value of [-most, 0, most]) {
    c.beginPath();
    c.moveTo(0, y(value));
    c.lineTo(width, y(value));
    c.stroke();
    c.fillText(`${value < 0 ? '−' : ''}${Math.abs(value).toFixed(2)} %`, 10, y(value) - 4);
  }
  c.lineWidth = 2;
  c.lineJoin = 'round';
  for (const s of lines) {
    c.strokeStyle = style.getPropertyValue(`--s${s.colour}`);
    c.beginPath();
    s.points.forEach((p, i) => (i === 0 ? c.moveTo(x(p.time), y(percent(s, p))) : c.lineTo(x(p.time), y(percent(s, p)))));
    c.stroke();
  }
}

const source = new EventSource('/events');
source.addEventListener('open', () => {
  state('open', 'live');
  if (opened) count('resumes');
  opened = true;
});
source.addEventListener('error', () => {
  if (source.readyState === EventSource.CLOSED) state('closed', 'refused');
  else state('lost', 'connection lost, coming back');
});
source.addEventListener('tick', (e) => {
  count('events');
  take(JSON.parse(e.data));
});
source.addEventListener('reset', () => {
  count('resets');
  for (const s of symbols.values()) s.points.length = 0;
});
draw();
