// One EventSource a job: closing it is how the server learns that nobody wants the answer any more.
const at = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

let source;
let began;  // when and where this page's share of the job began

function seconds(s) {
  if (!Number.isFinite(s)) return '–';
  return s < 90 ? `${Math.ceil(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
}

function show({ reached, limit, count }) {
  began ??= { time: performance.now(), reached };
  const rate = (reached - began.reached) / ((performance.now() - began.time) / 1000);
  at('bar').value = limit === 0 ? 1 : reached / limit;
  at('count').textContent = whole.format(count);
  at('reached').textContent = whole.format(reached);
  at('rate').textContent = rate > 0 ? short.format(rate) : '–';
  at('left').textContent = rate > 0 ? seconds((limit - reached) / rate) : '–';
}

function state(text) {
  at('state').textContent = text;
}

function end(text) {
  source?.close();
  source = undefined;
  at('start').disabled = at('below').disabled = false;
  at('stop').disabled = true;
  state(text);
}

function start(below) {
  source = new EventSource(`/count?below=${below}`);
  began = undefined;
  at('start').disabled = at('below').disabled = true;
  at('stop').disabled = false;
  state('connecting');
  source.addEventListener('open', () => { began = undefined; state('counting'); });
  source.addEventListener('progress', (e) => show(JSON.parse(e.data)));
  source.addEventListener('done', (e) => {
    show(JSON.parse(e.data));
    at('left').textContent = '–';
    end('finished');
  });
  source.addEventListener('error', () => {
    // The browser comes back by itself, with the id of the last event: the job goes on from there.
    if (source?.readyState === EventSource.CLOSED) end('refused');
    else state('connection lost, coming back');
  });
}

async function showJobs() {
  try {
    const { running, finished, stopped } = await (await fetch('/jobs')).json();
    at('jobs').textContent = `${running} running, ${finished} finished, ${stopped} stopped on the way`;
  } catch {
    at('jobs').textContent = 'no answer';
  }
}

at('form').addEventListener('submit', (e) => {
  e.preventDefault();
  start(at('below').value);
});
at('stop').addEventListener('click', () => end('stopped'));
showJobs();
setInterval(showJobs, 1000);
