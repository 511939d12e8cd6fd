// The page: which state it is in, and what leads from one to the next.

import { el } from './dom.js';
import { load, loadLog, loadLogTable } from './fhir.js';
import { whoLooked } from './log.js';
import { list, none, waiting } from './logview.js';
import { readers, view } from './plan.js';
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
    await login(server, sessionStorage, (url) => location.assign(url), location.hash);
  } catch (e) {
    fail(e);
  }
}

async function leave() {
  shownAt = 0;
  busy('U wordt uitgelogd …');
  history.replaceState(null, '', location.pathname);
  await logout(server, sessionStorage);
  tell('out');
}

/** The day that is so many days ago, "2026-11-22". */
function dayAgo(days) {
  const now = new Date(Date.now() - days * 24 * 3600 * 1000);
  return [now.getFullYear(), String(now.getMonth() + 1).padStart(2, '0'), String(now.getDate()).padStart(2, '0')].join('-');
}

function buttons() {
  const button = (text, act) => el('button', { type: 'button', class: 'small', onclick: act }, text);
  return el('p', { class: 'buttons noprint' }, button('Vernieuwen', boot), button('Ander kind kiezen', begin));
}

const logDays = 30;

const yearDays = 365;

/** Gives the log of the last year as a file. */
async function saveLog(session) {
  try {
    const address = URL.createObjectURL(await loadLogTable(server, session, dayAgo(yearDays)));
    el('a', { href: address, download: 'wie-keek-er-mee.csv' }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60 * 1000);
  } catch (e) {
    tell(e.kind === 'expired' ? 'expired' : 'failed');
  }
}

/** Reads and shows who looked, after the plan, which does not wait for it. */
async function readLog(session, reader, child) {
  const place = document.getElementById('wie-keek');
  const since = dayAgo(logDays);
  let section;
  try {
    const log = await loadLog(server, session, since);
    const found = log && whoLooked(log.events, { you: readers(reader.fhirUser, reader.person), child });
    section = log ? list(found, { child, since, more: log.more, save: () => saveLog(session) })
      : none('U gaf geen toestemming om te zien wie er keek. Kies bij het inloggen “Toestemmingen en wie er keek”.', el('button', { type: 'button', class: 'small', onclick: begin }, 'Opnieuw kiezen'));
  } catch (e) {
    if (e.kind === 'expired') throw e;
    section = none('Deze lijst is nu niet te zien.', el('button', { type: 'button', class: 'small', onclick: boot }, 'Opnieuw proberen'));
  }
  place.replaceWith(section);
  if (location.hash === '#wie-keek') {
    section.scrollIntoView();
    section.querySelector('h2').focus({ preventScroll: true });
  }
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
    const plan = view(resources, reader, dayAgo(0));
    show([...page(plan, { manage: server.manage, missing, log: waiting() }), buttons()], 'Het zorgplan is geladen.');
    if (first) main.querySelector('h1').focus({ preventScroll: true });
    await readLog(session, reader, plan.child);
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
    if (session?.place) history.replaceState(null, '', location.pathname + session.place);
    if (session) return await read(session);
    return location.hash === '#wie-keek' ? await begin() : tell('start'); // who comes from the page of apps wants to see it now
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
