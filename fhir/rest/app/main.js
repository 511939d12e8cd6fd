// The page: which state it is in, and what leads from one to the next.

import { el } from './dom.js';
import { load } from './fhir.js';
import { view } from './plan.js';
import { current, discover, Failure, finish, login, logout } from './smart.js';
import { page } from './view.js';

const main = document.getElementById('inhoud');
const corner = document.getElementById('session');
const status = document.getElementById('status');

/** Texts of the states that end in a text and a button. */
const states = {
  start: ['Zorgplan van uw kind', 'Log in om het zorgplan te lezen. U kiest daarna uw kind en wat deze pagina mag zien.', 'Inloggen'],
  expired: ['Log opnieuw in', 'Uw sessie is verlopen, of de toestemming is gestopt. Log opnieuw in om verder te lezen.', 'Inloggen'],
  denied: ['U gaf geen toestemming', 'Zonder toestemming kan deze pagina niets laten zien. U kunt het opnieuw proberen.', 'Opnieuw proberen'],
  lessened: ['Geen toestemming voor het zorgplan', 'U gaf deze pagina geen toestemming voor het zorgplan. Kies “Zorgplan en zorg van elke dag” om het te lezen.', 'Opnieuw kiezen'],
  refused: ['Dit mag u nu niet zien', 'Vraag de zorgcoördinator.', 'Opnieuw inloggen'],
  late: ['Het inloggen is niet gelukt', 'De pagina is verlopen of in een ander tabblad geopend. Begin opnieuw.', 'Opnieuw inloggen'],
  offline: ['Geen verbinding', 'De server is niet te bereiken. Controleer uw internet en probeer het opnieuw.', 'Opnieuw proberen'],
  insecure: ['Deze verbinding is niet veilig', 'Inloggen kan alleen op een adres dat met https begint.', ''],
  failed: ['Er ging iets mis', 'U kunt hier niets aan doen. Probeer het later opnieuw.', 'Opnieuw proberen'],
  out: ['U bent uitgelogd bij deze pagina', 'Deelt u dit apparaat met anderen? Sluit dan ook het tabblad.', 'Inloggen'],
};
const repeat = new Set(['offline', 'failed']); // states that try the same again; the others begin with login

let server;
let shownAt = 0;

function show(nodes, spoken) {
  main.replaceChildren(...nodes.flat(Infinity).filter(Boolean));
  main.setAttribute('aria-busy', 'false');
  status.textContent = spoken;
}

/** Shows one of the states, with the reference number when there is one. */
function tell(kind, request = '') {
  const [title, text, button] = states[kind] || states.failed;
  const act = repeat.has(kind) ? boot : begin;
  corner.replaceChildren();
  show([el('h1', { tabindex: '-1' }, title), el('p', {}, text),
    request && el('p', { class: 'quiet' }, `Referentienummer: ${request}. Noem dit als u om hulp vraagt.`),
    button && el('p', { class: 'buttons' }, el('button', { type: 'button', class: 'main', onclick: act }, button)),
    kind === 'out' && el('p', {}, el('a', { href: '/auth/logout' }, 'Ook uitloggen bij de inlogpagina'))], title);
}

function fail(e) {
  if (!(e instanceof Failure)) console.error(e.name); // what failed, never with what data
  tell(e instanceof Failure ? e.kind : 'failed', e.request);
}

function busy(text) {
  main.setAttribute('aria-busy', 'true');
  status.textContent = text;
  if (!shownAt) main.replaceChildren(el('h1', {}, 'Zorgplan'), el('p', {}, text));
}

async function begin(event) {
  if (event) event.currentTarget.disabled = true;
  try {
    server ||= await discover(location.href);
    await login(server, sessionStorage, (url) => location.assign(url));
  } catch (e) {
    fail(e);
  }
}

async function leave() {
  shownAt = 0;
  busy('U wordt uitgelogd …');
  await logout(server, sessionStorage);
  tell('out');
}

function today() {
  const now = new Date();
  return [now.getFullYear(), String(now.getMonth() + 1).padStart(2, '0'), String(now.getDate()).padStart(2, '0')].join('-');
}

function buttons() {
  const button = (text, act) => el('button', { type: 'button', class: 'small', onclick: act }, text);
  return el('p', { class: 'buttons noprint' }, button('Vernieuwen', boot), button('Ander kind kiezen', begin));
}

/** Reads and shows the plan; what was on the page goes when the server no longer gives it. */
async function read(session) {
  if (session.ends <= Date.now()) {
    shownAt = 0;
    return tell('expired');
  }
  busy('Het zorgplan wordt opgehaald …');
  try {
    const { resources, reader, missing } = await load(server, session);
    const first = !shownAt;
    shownAt = Date.now();
    corner.replaceChildren(el('button', { type: 'button', class: 'small', onclick: leave }, 'Uitloggen'));
    show([...page(view(resources, reader, today()), { manage: server.manage, missing }), buttons()], 'Het zorgplan is geladen.');
    if (first) main.querySelector('h1').focus({ preventScroll: true });
  } catch (e) {
    shownAt = 0;
    throw e;
  }
}

/** The answer of the login page, taken out of the address before anything else happens. */
function answer() {
  const query = new URLSearchParams(location.search);
  if (!query.has('code') && !query.has('error')) return null;
  history.replaceState(null, '', location.pathname);
  return query;
}

let pending = answer();

async function boot() {
  try {
    busy('Een ogenblik …');
    server ||= await discover(location.href);
    if (new URL(server.issuer).origin !== location.origin) return elsewhere();
    const query = pending;
    pending = null;
    const session = query ? await finish(server, query, sessionStorage, Date.now()) : current(sessionStorage);
    return session ? await read(session) : tell('start');
  } catch (e) {
    return fail(e);
  }
}

/** The server knows this page under another address, where alone it can log in. */
function elsewhere() {
  const url = `${server.issuer}${location.pathname}`;
  show([el('h1', {}, 'Dit is een ander adres'), el('p', {}, 'Open deze pagina op ', el('a', { href: url }, url), '.')], 'Dit is een ander adres');
}

// Who comes back to this tab sees what holds now: consent may have ended in the meantime.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && shownAt && Date.now() - shownAt > 60000) boot();
});
addEventListener('pageshow', (event) => {
  if (event.persisted && shownAt) boot();
});

boot();
