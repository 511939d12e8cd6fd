// Who looked, in words. Run by TestPlanInWords.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { whoLooked } from './log.js';

const coded = (code) => [{ coding: [{ code }] }];
const me = 'RelatedPerson/1';
const reader = { you: new Set([me]), child: 'Boris' };

/** An AuditEvent as the server gives it to family. */
function event(recorded, { role, name, who, org, types = ['CarePlan'], cycle = '6', outcome = '0', action = 'E', purpose, reason }) {
  return {
    resourceType: 'AuditEvent', recorded, action, outcome, purposeOfEvent: purpose && coded(purpose),
    agent: [{ requestor: true, role: role && coded(role), name, who: who && { reference: who } }, ...(org ? [{ requestor: false, role: coded('RESP'), who: { display: org } }] : [])],
    entity: [{ what: { reference: 'Patient/p' }, detail: reason && [{ type: 'reden', valueString: reason }] },
      ...types.map((type) => ({ what: { type }, lifecycle: { code: cycle } }))],
  };
}

const told = (events, more = reader) => whoLooked(events, more).days
  .flatMap((d) => d.rows.map((r) => [d.day, r.hours, r.name, r.what, r.times, r.with].filter((x) => x !== '').join(' | ')));

test('each reader is named as a parent knows him', () => {
  const at = '2026-11-22T13:05:00Z';
  for (const [of, want] of [
    [{ role: 'system', name: 'ECD', org: 'Kinderthuiszorg' }, 'Kinderthuiszorg | Bekeek: zorgplan. | 1 | Met het programma “ECD”.'],
    [{ role: 'system', name: 'ECD' }, 'ECD | Bekeek: zorgplan. | 1'],
    [{ role: 'professional', name: 'Eva Arts', org: 'Ziekenhuis' }, 'Eva Arts (zorgverlener), Ziekenhuis | Bekeek: zorgplan. | 1'],
    [{ role: 'guardian' }, 'Een andere ouder of voogd | Bekeek: zorgplan. | 1'],
    [{ role: 'child' }, 'Boris | Bekeek: zorgplan. | 1'],
    [{ role: 'constructor' }, 'Onbekend | Bekeek: zorgplan. | 1'],
  ]) assert.deepEqual(told([event(at, of)]), [`22 november 2026 | 14.05 uur | ${want}`]);
});

test('what was done is said in kinds of data', () => {
  const at = '2026-11-22T13:05:00Z';
  const what = (of) => whoLooked([event(at, { role: 'system', org: 'X', ...of })], reader).days[0].rows[0].what;
  assert.equal(what({ types: ['Provenance', 'Goal', 'Observation', 'CarePlan', 'Slot'], cycle: '1' }), 'Voegde toe: zorgplan, gezondheid en andere gegevens.');
  assert.equal(what({ types: ['CarePlan'], cycle: '3' }), 'Veranderde: zorgplan.');
  assert.equal(what({ types: [] }), 'Keek, maar vond niets.');
  assert.equal(whoLooked([{ ...event(at, { role: 'guardian', types: [] }), subtype: [{ code: 'log-view' }] }], reader).days[0].rows[0].what, 'Bekeek: wie er keek.');
  assert.equal(what({ outcome: '4' }), 'Wilde kijken, maar dat mocht niet.');
  assert.equal(what({ outcome: '4', action: 'U' }), 'Wilde iets veranderen, maar dat mocht niet.');
});

test('the reader is counted by visit, so that others stand out', () => {
  const own = (at, more) => event(at, { role: 'guardian', who: me, name: 'Ouder-app', ...more });
  const found = whoLooked([own('2026-11-22T13:00:00Z'), own('2026-11-22T13:08:00Z'), own('2026-11-22T13:17:00Z'), own('2026-11-21T08:00:00Z'),
    own('2026-11-22T13:17:01Z', { outcome: '4' }), own('2026-11-22T13:01:00Z', { types: ['Consent'], cycle: '1' })], reader);
  assert.equal(found.own, 2);
  assert.deepEqual(found.days.flatMap((d) => d.rows.map((r) => `${r.name} ${r.what}`)), ['U Gaf toestemming.']);
});

test('rows of one reader and day are one row; days follow the clock on the wall; the newest come first', () => {
  const look = (at, types) => event(at, { role: 'system', org: 'X', types });
  assert.deepEqual(told([look('2026-11-21T08:00:00Z'), look('2026-11-21T22:59:00Z', ['Goal']), look('2026-11-21T23:01:00Z'), look('2026-11-21T23:05:00Z', ['Consent'])]), [
    '22 november 2026 | 0.01 tot 0.05 uur | X | Bekeek: zorgplan en toestemmingen. | 1', '21 november 2026 | 9.00 tot 23.59 uur | X | Bekeek: zorgplan. | 2']);
});

test('an emergency stands alone, with its reason', () => {
  const found = whoLooked([event('2026-11-22T13:00:00Z', { role: 'professional', name: 'E', purpose: 'BTG', reason: 'Bewusteloos' }),
    event('2026-11-22T13:01:00Z', { role: 'professional', name: 'E', purpose: 'TREAT', reason: 'x' })], reader);
  assert.equal(found.emergencies, 1);
  assert.deepEqual(found.days[0].rows.map((r) => [r.emergency, r.reason]), [[false, ''], [true, 'Bewusteloos']]);
});

test('a long list ends, and says so', () => {
  const many = Array.from({ length: 150 }, (_, i) => event('2026-11-22T13:00:00Z', { role: 'system', org: `X${i}` }));
  const found = whoLooked([...many, { resourceType: 'AuditEvent' }], reader);
  assert.deepEqual([found.days[0].rows.length, found.left], [100, 50]);
});
