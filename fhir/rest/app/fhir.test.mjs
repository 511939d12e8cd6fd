// How the page reads: all or a failure with a name, and its token to nobody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load, loadLog } from './fhir.js';
import { scope } from './smart.js';

const server = { base: 'https://a.example/fhir' };
const session = { token: 'secret', patient: 'p', scope, user: 'https://a.example/fhir/RelatedPerson/1' };
const bundle = (resources, next) => ({ resourceType: 'Bundle', entry: resources.map((resource) => ({ resource })), link: next ? [{ relation: 'next', url: next }] : [] });

/** A server of which only the answers that matter are given; every other search is empty. */
function serve(t, answers) {
  return t.mock.method(globalThis, 'fetch', async (url) => {
    const path = String(url).replace(`${server.base}/`, '');
    const key = Object.keys(answers).find((k) => path === k || path.startsWith(`${k}?`));
    const answer = key === undefined ? undefined : answers[key];
    if (answer instanceof Error) throw answer;
    if (answer instanceof Response) return answer.clone();
    return Response.json(answer ?? (path.startsWith('Patient/') ? { resourceType: 'Patient', id: 'p' } : bundle([])));
  });
}

test('every page is read, and a next link to elsewhere never gets the token', async (t) => {
  const plan = (id) => ({ resourceType: 'CarePlan', id });
  const calls = serve(t, { 'CarePlan': bundle([plan('1')], `${server.base}/next`), 'next': bundle([plan('2')]) });
  const { resources, missing } = await load(server, session);
  assert.deepEqual(resources.filter((r) => r.resourceType === 'CarePlan').map((r) => r.id).sort(), ['1', '2']);
  assert.deepEqual(missing, []);
  for (const c of calls.mock.calls) assert.equal(c.arguments[1].headers.Authorization, 'Bearer secret');
  t.mock.restoreAll();
  for (const evil of ['https://evil.example/fhir/CarePlan', 'https://a.example/fhirevil/x', '//evil.example/']) {
    const sent = serve(t, { CarePlan: bundle([], evil) });
    await assert.rejects(load(server, session), { kind: 'failed' });
    assert.ok(sent.mock.calls.every((c) => String(c.arguments[0]).startsWith(`${server.base}/`)));
    t.mock.restoreAll();
  }
});

test('each refusal has its state, and a fault its request id', async (t) => {
  for (const [status, kind] of [[401, 'expired'], [403, 'refused'], [404, 'refused'], [500, 'failed']]) {
    serve(t, { Goal: new Response('{}', { status, headers: { 'X-Request-Id': 'r1' } }) });
    await assert.rejects(load(server, session), { kind, status, request: 'r1' });
    t.mock.restoreAll();
  }
  serve(t, { Goal: new TypeError('network') });
  await assert.rejects(load(server, session), { kind: 'offline' });
});

test('somebody who may not be read leaves a name out, not the plan', async (t) => {
  const plan = { resourceType: 'CarePlan', id: '1', author: { reference: 'PractitionerRole/r' } };
  serve(t, { CarePlan: bundle([plan]), 'PractitionerRole/r': new Response('{}', { status: 404 }) });
  const { resources } = await load(server, session);
  assert.deepEqual(resources.map((r) => r.resourceType).sort(), ['CarePlan', 'Patient']);
});

test('what was not permitted is not asked for, and named', async (t) => {
  const calls = serve(t, {});
  const { missing } = await load(server, { ...session, scope: 'patient/CarePlan.rs patient/Goal.rs' });
  assert.deepEqual(missing, ['Patient', 'NutritionOrder', 'CareTeam', 'RelatedPerson', 'Condition', 'Practitioner']);
  assert.deepEqual(calls.mock.calls.map((c) => new URL(c.arguments[0]).pathname).sort(), ['/fhir/CarePlan', '/fhir/Goal']);
  await assert.rejects(load(server, { ...session, scope: 'patient/Goal.rs' }), { kind: 'lessened' });
});

test('the log is read from a day on, to a bound, and only when that was permitted', async (t) => {
  const row = { resourceType: 'AuditEvent', id: '1' };
  const calls = serve(t, { AuditEvent: bundle([row], `${server.base}/next`), next: bundle([row], `${server.base}/next`) });
  const { events, more } = await loadLog(server, session, '2026-10-23');
  assert.deepEqual([events.length, more], [5, true]);
  const asked = new URL(calls.mock.calls[0].arguments[0]).searchParams;
  assert.deepEqual([asked.get('patient'), asked.get('date')], ['Patient/p', 'ge2026-10-23']);
  assert.equal(await loadLog(server, { ...session, scope: 'patient/CarePlan.rs' }, '2026-10-23'), null);
  assert.equal(calls.mock.callCount(), 5);
});
