// Reads what the page shows from the FHIR endpoint: all of it or a Failure, never a part in silence.

import { call, Failure, granted } from './smart.js';
import { readers, wanted } from './plan.js';

const maxPages = 100;
const parallel = 4;

const kinds = { 401: 'expired', 403: 'refused', 404: 'refused', 410: 'refused' };
const busy = new Set([429, 503]);

/** The answer to one GET with the token, only ever below the FHIR base. Waits once when the server is busy. */
async function answerTo(server, session, url, media, again = true) {
  if (!url.startsWith(`${server.base}/`)) throw new Failure('failed');
  const answer = await call(url, { headers: { Accept: media, Authorization: `Bearer ${session.token}` } });
  if (busy.has(answer.status) && again) {
    const seconds = Math.min(Number(answer.headers.get('Retry-After')) || 1, 5);
    await new Promise((done) => { setTimeout(done, seconds * 1000); });
    return answerTo(server, session, url, media, false);
  }
  const request = answer.headers.get('X-Request-Id') || '';
  if (!answer.ok) throw new Failure(kinds[answer.status] || 'failed', { status: answer.status, request });
  return answer;
}

/** What one GET gives. */
async function get(server, session, url) {
  const answer = await answerTo(server, session, url, 'application/fhir+json');
  try {
    return await answer.json();
  } catch (cause) {
    throw new Failure('failed', { status: answer.status, request: answer.headers.get('X-Request-Id') || '', cause });
  }
}

/** Pages of a search: {found, more}; more tells that there is more than the pages that were asked for. */
async function pagesOf(server, session, type, query, most) {
  const found = [];
  let url = `${server.base}/${type}?${new URLSearchParams(query)}`;
  for (let page = 0; url && page < most; page += 1) {
    const bundle = await get(server, session, url);
    found.push(...(bundle.entry || []).map((e) => e.resource).filter((r) => r?.resourceType === type));
    url = (bundle.link || []).find((l) => l.relation === 'next')?.url;
  }
  return { found, more: Boolean(url) };
}

/** Every page of a search. */
async function search(server, session, type, query) {
  const { found, more } = await pagesOf(server, session, type, query, maxPages);
  if (more) throw new Failure('failed');
  return found;
}

const logPages = 5;

/**
 * The newest part of the log since a day: {events, more}, or null when that was not permitted.
 * The server gives the newest first.
 */
export async function loadLog(server, session, since) {
  if (!granted(session.scope, 'AuditEvent')) return null;
  const query = { patient: `Patient/${session.patient}`, date: `ge${since}`, _count: '200' };
  const { found, more } = await pagesOf(server, session, 'AuditEvent', query, logPages);
  return { events: found, more };
}

/** The log since a day as a table, to keep. */
export async function loadLogTable(server, session, since) {
  const query = new URLSearchParams({ patient: `Patient/${session.patient}`, date: `ge${since}`, _format: 'csv' });
  const answer = await answerTo(server, session, `${server.base}/AuditEvent?${query}`, 'text/csv');
  return answer.blob();
}

/** A resource, or nothing when the reader may not see it. */
async function readIfAllowed(server, session, ref) {
  try {
    return [await get(server, session, `${server.base}/${ref}`)];
  } catch (e) {
    if (e.kind === 'refused') return [];
    throw e;
  }
}

/** Runs a task for each item, a few at a time. */
async function each(items, task) {
  const rest = [...items];
  const out = [];
  const worker = async () => {
    while (rest.length) out.push(...await task(rest.shift()));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return out;
}

const searches = [
  ['CarePlan', { status: 'active,on-hold,draft', _count: '200' }], ['Goal', {}], ['NutritionOrder', {}], ['CareTeam', {}],
  ['RelatedPerson', {}], ['Condition', { category: 'https://drieluik.example/fhir/CodeSystem/mks-categorie|zorgplanprobleem' }],
];

/** People and organisations that what was read names, as far as they may be read. */
async function people(server, session, found) {
  const known = [...found];
  for (let round = 0; round < 3; round += 1) { // team → role → person and organisation
    const tried = new Set(known.map((r) => `${r.resourceType}/${r.id}`));
    const refs = wanted(known).filter((ref) => !tried.has(ref) && granted(session.scope, ref.split('/')[0]));
    const more = await each(refs, (ref) => readIfAllowed(server, session, ref));
    if (!more.length) break;
    known.push(...more);
  }
  return known;
}

/** The Person that the reader is, whose links say which RelatedPerson he is to each child. */
async function readerOf(server, session) {
  const ref = [...readers(session.user)][0] || '';
  return ref.startsWith('Person/') ? (await readIfAllowed(server, session, ref))[0] : undefined;
}

/** Everything the page shows: {resources, reader, missing}; missing are types that were not permitted. */
export async function load(server, session) {
  const may = (type) => granted(session.scope, type);
  const missing = ['Patient', ...searches.map(([type]) => type), 'Practitioner'].filter((type) => !may(type));
  if (!session.patient || missing.includes('CarePlan')) throw new Failure('lessened');
  const patient = may('Patient') ? [await get(server, session, `${server.base}/Patient/${session.patient}`)] : [];
  const found = await each(searches.filter(([type]) => may(type)),
    ([type, query]) => search(server, session, type, { patient: `Patient/${session.patient}`, ...query }));
  const person = await readerOf(server, session);
  const resources = await people(server, session, [...patient, ...found]);
  return { resources, missing, reader: { fhirUser: session.user, person, patient: session.patient } };
}
