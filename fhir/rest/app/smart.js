// SMART standalone launch of a public client: PKCE S256, the code for a token. What a login needs
// stays in this tab (sessionStorage) and never in an address.

const pendingKey = 'drieluik.login';
const sessionKey = 'drieluik.session';

/** Why it cannot go on: kind is one of the states that the page can say. */
export class Failure extends Error {
  constructor(kind, { status = 0, request = '', cause } = {}) {
    super(kind, { cause });
    Object.assign(this, { kind, status, request });
  }
}

const types = ['Patient.r', 'CarePlan.rs', 'Goal.rs', 'NutritionOrder.rs', 'CareTeam.rs', 'Condition.rs',
  'RelatedPerson.rs', 'PractitionerRole.r', 'Practitioner.r', 'Organization.r', 'AuditEvent.rs'];

/** What the page asks for: reading what it shows, and no more. */
export const scope = ['launch/patient', 'openid', 'fhirUser', ...types.map((t) => `patient/${t}`)].join(' ');

/** Whether a granted scope list lets the page read a type. */
export function granted(list, type) {
  return list.split(' ').some((s) => {
    const m = /^patient\/([A-Za-z]+|\*)\.([a-z*]+)(\?.*)?$/.exec(s);
    return m && (m[1] === type || m[1] === '*') && (m[2] === 'read' || m[2] === '*' || /^c?r/.test(m[2]));
  });
}

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The challenge of a verifier (RFC 7636, S256). */
export async function challenge(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** Fetches with a limit in time; no answer at all is "offline". */
export async function call(url, options = {}) {
  const limits = { cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(20000) };
  try {
    return await fetch(url, { ...limits, ...options });
  } catch (cause) {
    throw new Failure('offline', { cause });
  }
}

/** The JSON of an answer; anything else is a failure with its request id. */
async function json(answer) {
  const request = answer.headers.get('X-Request-Id') || '';
  if (!answer.ok) throw new Failure('failed', { status: answer.status, request });
  try {
    return await answer.json();
  } catch (cause) {
    throw new Failure('failed', { status: answer.status, request, cause });
  }
}

/** Reads config.json and the server's SMART configuration. */
export async function discover(here) {
  const config = await json(await call(new URL('config.json', here)));
  const base = new URL(config.fhir, here).href.replace(/\/$/, '');
  const smart = await json(await call(`${base}/.well-known/smart-configuration`, { headers: { Accept: 'application/json' } }));
  return { client: config.client_id, base, redirect: new URL('.', here).href.split(/[?#]/)[0], ...endpoints(smart) };
}

function endpoints(smart) {
  return {
    issuer: smart.issuer, authorize: smart.authorization_endpoint, token: smart.token_endpoint,
    revoke: smart.revocation_endpoint, manage: smart.management_endpoint,
  };
}

/** Leaves for the login page; place is where on the page the reader wants to be afterwards, such as "#dag". */
export async function login(server, storage, go, place = '') {
  if (!globalThis.crypto?.subtle) throw new Failure('insecure');
  const pending = { state: random(), verifier: random(), nonce: random(), place };
  storage.setItem(pendingKey, JSON.stringify(pending));
  const url = new URL(server.authorize);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: server.client, redirect_uri: server.redirect, scope, state: pending.state,
    aud: server.base, nonce: pending.nonce, code_challenge: await challenge(pending.verifier), code_challenge_method: 'S256', ui_locales: 'nl',
  });
  go(url.href);
}

function take(storage, key) {
  const text = storage.getItem(key);
  storage.removeItem(key);
  return text ? JSON.parse(text) : null;
}

/** The claims of an id_token that came straight from the token endpoint. */
export function claims(token) {
  const body = (token || '').split('.')[1];
  if (!body) return {};
  const bytes = Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Turns the answer in the address into a session, which it keeps in this tab. */
export async function finish(server, query, storage, now) {
  const pending = take(storage, pendingKey);
  if (!pending || query.get('state') !== pending.state || (query.get('iss') || server.issuer) !== server.issuer) throw new Failure('late');
  if (query.get('error') === 'access_denied') throw new Failure('denied');
  if (query.get('error')) throw new Failure('failed', { request: '' });
  const form = new URLSearchParams({
    grant_type: 'authorization_code', code: query.get('code') || '', redirect_uri: server.redirect, client_id: server.client, code_verifier: pending.verifier,
  });
  const answer = await call(server.token, { method: 'POST', body: form, headers: { Accept: 'application/json' } });
  if (answer.status === 400) throw new Failure('late');
  const got = await json(answer);
  const id = claims(got.id_token);
  if (got.id_token && id.nonce !== pending.nonce) throw new Failure('late');
  const session = {
    token: got.access_token, patient: got.patient, scope: got.scope ?? scope, user: id.fhirUser || '', ends: now + (got.expires_in ?? 300) * 1000,
  };
  storage.setItem(sessionKey, JSON.stringify(session));
  return pending.place ? { ...session, place: pending.place } : session; // where to go once, not kept
}

/** The session of this tab, or null. */
export function current(storage) {
  const text = storage.getItem(sessionKey);
  return text ? JSON.parse(text) : null;
}

/** Forgets the session and ends its token at the server; a server that does not answer ends it in minutes. */
export async function logout(server, storage) {
  const session = take(storage, sessionKey);
  storage.removeItem(pendingKey);
  if (!session) return;
  const form = new URLSearchParams({ token: session.token, token_type_hint: 'access_token', client_id: server.client });
  await call(server.revoke, { method: 'POST', body: form }).catch(() => undefined);
}
