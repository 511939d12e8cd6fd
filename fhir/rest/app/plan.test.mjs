// What the page makes of FHIR resources. Run by TestPlanInWords, which hands over the sample child
// as the mapping makes him.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { age, callName, refOf, view, wanted } from './plan.js';
import { challenge, claims, finish, granted, scope } from './smart.js';
import * as words from './words.js';

const sample = JSON.parse(readFileSync(process.env.DRIELUIK_APP_SAMPLE));
const child = sample.find((r) => r.resourceType === 'Patient');
const person = (given) => sample.find((r) => r.resourceType === 'RelatedPerson' && callName(r) === given);
const reader = (given) => ({ fhirUser: `https://fhir.example/fhir/RelatedPerson/${person(given).id}`, patient: child.id });
const day = '2026-11-22';
const boris = (given = 'Anna', resources = sample, today = day) => view(resources, reader(given), today);
const action = (plan, what) => plan.actions.find((a) => a.what.startsWith(what));
const who = (e) => e.who.map((w) => (w.role ? `${w.name} (${w.role})` : w.name)).join();

test('a Timing is said in Dutch', () => {
  for (const [repeat, text] of [
    [{ timeOfDay: ['07:00:00', '13:30:00', '22:00:00'], period: 1, periodUnit: 'd' }, 'om 7.00, 13.30 en 22.00 uur'],
    [{ frequency: 6, period: 1, periodUnit: 'd' }, '6 keer per dag'],
    [{ frequency: 1, period: 2, periodUnit: 'wk' }, '1 keer per 2 weken'],
    [{ frequency: 2, period: 1, periodUnit: 'a' }, '2 keer per jaar'],
    [{ dayOfWeek: ['mon', 'thu'], timeOfDay: ['09:00:00'] }, 'op maandag en donderdag, om 9.00 uur'],
    [{ timeOfDay: ['09:00:00'], period: 2, periodUnit: 'd' }, 'om 9.00 uur, elke 2 dagen'],
  ]) assert.deepEqual(words.timing({ repeat }), { text, whole: true });
});

test('a Timing that says more than the words is not passed off as whole', () => {
  for (const t of [{ repeat: { frequency: 1, period: 1, periodUnit: 'd', when: ['AC'] } }, { event: ['2026-11-22'] },
    { repeat: { frequency: 1, frequencyMax: 3, period: 1, periodUnit: 'd' } }, { repeat: { frequency: 1, period: 1, periodUnit: 'fortnight' } },
    { code: { coding: [{ code: 'BID' }] }, repeat: { frequency: 2, period: 1, periodUnit: 'd' } }]) {
    assert.equal(words.timing(t).whole, false, JSON.stringify(t));
  }
});

test('dates, partial dates and hours that pass midnight', () => {
  assert.deepEqual(['2026-11-03', '2026-03', '2026', '', 'x'].map(words.date), ['3 november 2026', 'maart 2026', '2026', '', '']);
  assert.equal(words.later('23:30:00', 60), '00:30:00');
  assert.deepEqual([{ end: '2026-11-22' }, { end: '2026-11-21' }, { start: '2026-11-23' }, { start: '2026-11' }, {}].map((p) => words.when(p, day)),
    ['now', 'past', 'future', 'now', 'now']);
});

test('codes that are names of object members are just unknown codes', () => {
  for (const code of ['constructor', '__proto__', 'toString']) {
    assert.equal(words.relationWords(code), '');
    assert.equal(words.doerWords(code), 'iemand');
  }
});

test('one action of three executors is one card that says "u" to the reader', () => {
  const plan = boris().plans[0];
  const feed = action(plan, 'Sondevoeding');
  assert.deepEqual(feed.executors.map((e) => `${who(e)} ${e.when.text}`), [
    'Gea XXX_Gezin (gezinscoördinator) om 7.00 en 10.00 uur', 'u om 13.00, 16.00 en 19.00 uur', 'Bert (vader) om 22.00 uur']);
  assert.deepEqual(feed.domains, ['medisch']);
  assert.equal(feed.trained, true);
  assert.deepEqual(feed.why, ['Voedingsprobleem']);
  assert.equal(who(action(boris('Bert').plans[0], 'Sondevoeding').executors[1]), 'Anna (moeder)');
});

test('whom a parent of several children is, the links of the Person say', () => {
  const v = view(sample, { fhirUser: 'Person/p1', person: { resourceType: 'Person', id: 'p1', link: [{ target: { reference: `RelatedPerson/${person('Anna').id}` } }] }, patient: child.id }, day);
  assert.equal(v.reason, 'custody');
  assert.equal(who(action(v.plans[0], 'Sondevoeding').executors[1]), 'u');
});

test('as needed, the child himself, an organisation, a volunteer', () => {
  const plan = boris().plans[0];
  assert.equal(action(plan, 'Nachtdienst').executors[0].when.text, 'zo nodig: kind ziek');
  assert.equal(who(action(plan, 'Nachtdienst').executors[0]), 'Kinderthuiszorg Voorbeeld');
  assert.equal(who(action(plan, 'Boris houdt').executors[0]), 'Boris');
  assert.equal(who(action(plan, 'Wandelen').executors[0]), 'Coba (vrijwilliger)');
});

test('every action of the plan stands in exactly one place', () => {
  for (const plan of boris().plans) {
    assert.equal(plan.actions.length, 5);
    for (const a of plan.actions) assert.ok(words.domains.some((d) => d.code === a.domains[0]), a.what);
  }
});

test('the emergency plan, the change, the goals, the feeding and the talks', () => {
  const [plan] = boris().plans;
  assert.deepEqual(plan.emergency, [{ signs: ['SpO2 lager dan 90% langer dan een minuut'], action: 'bel 112 en daarna de kinderarts', phone: '0880000199' }]);
  assert.deepEqual([plan.change.kinds, plan.change.reason, plan.change.since], [['de voeding'], 'groei', '2026-11-03']);
  assert.equal(plan.change.via.role, 'zorgcoördinator');
  assert.deepEqual(plan.goals.map((g) => [g.text, g.by, g.past]), [
    ['Groei volgens eigen curve', '2027-05-01', false], ['Ouders slapen vijf nachten per week door', '2027-02-01', false]]);
  assert.deepEqual([plan.feeding[0].amount, plan.feeding[0].often, plan.feeding[0].notes, plan.feeding[0].whole],
    [['120 ml'], ['6 keer per dag'], ['bij hoesten de voeding stoppen'], true]);
  assert.deepEqual(plan.talks.map((t) => t.next), ['2027-01-15', '2027-02-01']);
});

test('the day is in order of the clock, and leaves out what does not hold today', () => {
  const times = (today) => boris('Anna', sample, today).plans[0].day.map((r) => r.from.slice(0, 5));
  assert.deepEqual(times(day), ['07:00', '09:00', '10:00', '13:00', '13:30', '16:00', '19:00', '22:00']);
  assert.deepEqual(times('2027-05-02'), ['09:00', '13:30'], 'the feeds ended the day before');
});

test('a draft comes after the plan that holds, and its feeding beside no other', () => {
  const v = boris();
  assert.deepEqual(v.plans.map((p) => [p.draft, p.version]), [[false, 3], [true, 4]]);
  assert.equal(v.others.feeding.length, 1, 'that of the transfer alone');
  assert.equal(v.others.actions.length, 3);
});

test('without names a reader still learns who does it', () => {
  const less = sample.filter((r) => !['Practitioner', 'Organization', 'RelatedPerson', 'CareTeam'].includes(r.resourceType));
  const executors = (world) => action(boris('Anna', world).plans[0], 'Sondevoeding').executors.map(who);
  assert.deepEqual(executors(less), ['Gea XXX_Gezin (kinderverpleegkundige)', 'u', 'een ouder'], 'a role names its person');
  const unnamed = less.map((r) => (r.practitioner ? { ...r, practitioner: { reference: r.practitioner.reference } } : r));
  assert.deepEqual(executors(unnamed), ['een kinderverpleegkundige', 'u', 'een ouder']);
  const none = less.filter((r) => r.resourceType !== 'PractitionerRole');
  assert.equal(who(action(boris('Anna', none).plans[0], 'Sondevoeding').executors[0]), 'een zorgverlener');
});

test('what is forbidden, stopped or over is never shown as care to give', () => {
  const act = (detail, more) => ({ resourceType: 'CarePlan', id: JSON.stringify(detail).length + '', status: 'active', intent: 'plan', subject: { reference: `Patient/${child.id}` }, activity: [{ detail }], ...more });
  const repeat = { timeOfDay: ['12:00:00'], period: 1, periodUnit: 'd' };
  const other = (detail, more) => view([child, act(detail, more)], { patient: child.id }, day).others.actions[0];
  assert.equal(other({ status: 'scheduled', doNotPerform: true, description: 'x' }).not, true);
  assert.equal(other({ status: 'stopped', description: 'x' }).executors[0].state, 'Gestopt');
  assert.equal(other({ status: 'scheduled', description: 'x', scheduledTiming: { repeat: { ...repeat, boundsPeriod: { end: '2026-11-21' } } } }).executors[0].phase, 'past');
  assert.equal(other({ status: 'scheduled', description: 'x', quantity: { value: 2 } }).executors[0].whole, false, 'an amount the page does not show');
  assert.equal(other({ status: 'scheduled', description: 'x' }, { modifierExtension: [{}] }).executors[0].whole, false);
  assert.equal(other({ status: 'entered-in-error', description: 'x' }), undefined);
});

test('actions of two plans never become one', () => {
  const act = (id, plan, text) => ({
    resourceType: 'CarePlan', id, status: 'active', partOf: [{ reference: `CarePlan/${plan}` }], activity: [{ detail: { status: 'scheduled', description: text } }],
    extension: [{ url: 'https://drieluik.example/fhir/StructureDefinition/actie', extension: [{ url: 'id', valueString: 'a1' }] }],
  });
  const v = view([child, act('1', 'p', 'x'), act('2', 'q', 'x'), act('3', 'p', 'y')], { patient: child.id }, day);
  assert.equal(v.others.actions.length, 3);
});

test('why: custody only where the server says so and it holds today', () => {
  assert.equal(boris().reason, 'custody');
  assert.equal(boris('Jan').reason, '');
  assert.equal(view(sample, { fhirUser: `Patient/${child.id}`, patient: child.id }, day).reason, 'self');
  const ended = structuredClone(sample);
  for (const r of ended) for (const e of r.extension || []) if (e.url.endsWith('/gezag')) e.extension.find((x) => x.url === 'period').valuePeriod.end = '2026-11-01';
  assert.equal(boris('Anna', ended).reason, '');
  assert.deepEqual(['2037-05-03', '2037-05-04', '2041-05-04'].map((d) => boris('Anna', sample, d).decides), [false, true, false]);
  assert.equal(age('2025-05', day), undefined);
});

test('only people and organisations are looked up, and nothing twice', () => {
  const named = sample.filter((r) => r.resourceType !== 'Practitioner');
  assert.deepEqual(wanted(named), [], 'a role that names its person is enough');
  const roles = named.map((r) => (r.practitioner ? { ...r, practitioner: { reference: r.practitioner.reference } } : r));
  assert.ok(wanted(roles).length >= 7);
  assert.ok(wanted(roles).every((ref) => ref.startsWith('Practitioner/')));
  assert.deepEqual(wanted([{ resourceType: 'CarePlan', author: { reference: 'Patient/1' }, activity: [{ detail: { performer: [{ reference: '../../auth/apps' }] } }] }]), []);
  assert.equal(refOf({ reference: 'https://fhir.example/fhir/Practitioner/a/_history/3' }), 'Practitioner/a');
  assert.equal(refOf({ reference: 'Practitioner/a?x=1' }), '');
});

test('an empty record is an empty page, not a fault', () => {
  assert.deepEqual(view([], { patient: 'x' }, day), {
    child: '', reason: '', decides: false, plans: [], others: { emergency: [], actions: [], feeding: [] }, contacts: [],
  });
});

test('the page asks to read, and never to write or to stay', () => {
  assert.ok(scope.split(' ').every((s) => /^(launch\/patient|openid|fhirUser|patient\/[A-Za-z]+\.rs?)$/.test(s)), scope);
  assert.deepEqual(['patient/Goal.rs', 'patient/Goal.read', 'patient/Goal.s', 'user/Goal.rs', 'patient/GoalX.rs'].map((s) => granted(s, 'Goal')), [true, true, false, false, false]);
});

test('PKCE is S256 (RFC 7636, appendix B)', async () => {
  assert.equal(await challenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

const storage = (pending) => {
  const m = new Map(pending ? [['drieluik.login', JSON.stringify(pending)]] : []);
  return { getItem: (k) => m.get(k) ?? null, setItem: (k, v) => m.set(k, v), removeItem: (k) => m.delete(k), map: m };
};

test('an answer of another tab, another state or another issuer is not redeemed', async (t) => {
  t.mock.method(globalThis, 'fetch', () => assert.fail('a code was sent'));
  const server = { issuer: 'https://a.example', token: 'https://a.example/auth/token' };
  const pending = { state: 's', verifier: 'v', nonce: 'n' };
  for (const [stored, query] of [[null, 'code=c&state=s'], [pending, 'code=c&state=t'], [pending, 'code=c'], [pending, 'code=c&state=s&iss=https://evil.example']]) {
    await assert.rejects(finish(server, new URLSearchParams(query), storage(stored), 0), { kind: 'late' });
  }
  await assert.rejects(finish(server, new URLSearchParams('error=access_denied&state=s'), storage(pending), 0), { kind: 'denied' });
});

test('a code becomes a session of this tab, once, and the token stays out of every address', async (t) => {
  const body = Buffer.from(JSON.stringify({ nonce: 'n', fhirUser: 'https://a.example/fhir/RelatedPerson/1', name: 'Zoë' })).toString('base64url');
  const sent = t.mock.method(globalThis, 'fetch', async () => Response.json({ access_token: 'secret', patient: 'p', scope: 'openid', expires_in: 900, id_token: `h.${body}.s` }));
  const store = storage({ state: 's', verifier: 'v', nonce: 'n' });
  const server = { issuer: 'https://a.example', token: 'https://a.example/auth/token', client: 'c1', redirect: 'https://a.example/app/' };
  const session = await finish(server, new URLSearchParams('code=c&state=s&iss=https://a.example'), store, 1000);
  assert.deepEqual(session, { token: 'secret', patient: 'p', scope: 'openid', user: 'https://a.example/fhir/RelatedPerson/1', ends: 901000 });
  const [url, options] = sent.mock.calls[0].arguments;
  assert.equal(url, server.token);
  assert.equal(String(options.body), 'grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa.example%2Fapp%2F&client_id=c1&code_verifier=v');
  assert.deepEqual([...store.map.keys()], ['drieluik.session']);
  assert.equal(claims(`h.${body}.s`).name, 'Zoë');
  const placed = await finish(server, new URLSearchParams('code=c&state=s'), storage({ state: 's', verifier: 'v', nonce: 'n', place: '#wie-keek' }), 1000);
  assert.equal(placed.place, '#wie-keek', 'who came for the log is not brought there');
});
