// From AuditEvents to who looked, in plain words. Pure: no network, no page.

import { clock, date, list } from './words.js';

const visit = 10 * 60 * 1000; // what follows within this is one visit
const shownAtMost = 100;

/** Kinds of data as a parent thinks of them; a type that is in none is told as "andere gegevens". */
const kinds = [
  ['persoonlijke gegevens', 'Patient Person Coverage'],
  ['zorgplan', 'CarePlan Goal CareTeam ServiceRequest Task NutritionOrder DeviceUseStatement Device DeviceRequest SupplyRequest'],
  ['vragenlijsten', 'Questionnaire QuestionnaireResponse'],
  ['gezondheid', 'Condition Observation AllergyIntolerance Immunization Procedure DiagnosticReport RiskAssessment ClinicalImpression Flag DetectedIssue'],
  ['medicijnen', 'MedicationRequest MedicationStatement MedicationAdministration MedicationDispense Medication'],
  ['overdracht', 'Composition DocumentReference Encounter EpisodeOfCare List'],
  ['mensen rond het kind', 'RelatedPerson Practitioner PractitionerRole Organization Location HealthcareService'],
  ['afspraken', 'Appointment AppointmentResponse Communication CommunicationRequest'],
  ['toestemmingen', 'Consent'],
  ['wie er keek', 'AuditEvent'],
].map(([text, types]) => ({ text, types: new Set(types.split(' ')) }));
const silent = new Set(['Provenance']); // notes of where data came from, written with everything

const jobs = new Map([['professional', 'zorgverlener'], ['admin', 'beheerder']]);
const verbs = { look: 'Bekeek', add: 'Voegde toe', change: 'Veranderde', remove: 'Verwijderde' };
const ownConsents = { add: 'Gaf toestemming.', change: 'Veranderde of stopte een toestemming.' };
const emergencies = new Set(['BTG', 'ETREAT']);

const codes = (concepts) => (concepts || []).flatMap((c) => c.coding || []).map((c) => c.code);
const requestorOf = (event) => (event.agent || []).find((a) => a.requestor) || {};

/** What was done: "look", "add", "change" or "remove". */
function actOf(event) {
  if (event.action === 'D') return 'remove';
  const cycles = new Set((event.entity || []).map((e) => e.lifecycle?.code));
  if (cycles.has('3')) return 'change';
  return cycles.has('1') ? 'add' : 'look';
}

/** Kinds of data that an event names. */
function kindsOf(event) {
  const types = (event.entity || []).filter((e) => e.lifecycle).map((e) => e.what?.type).filter((t) => t && !silent.has(t));
  if ((event.subtype || []).some((c) => c.code === 'log-view')) types.push('AuditEvent');
  return types.map((t) => kinds.find((k) => k.types.has(t))?.text || 'andere gegevens');
}

/** Who it was: {name, with}; with says for whom, or with which program. */
function whoOf(event, child) {
  const agent = requestorOf(event);
  const organization = (event.agent || []).find((a) => !a.requestor)?.who?.display || '';
  const role = codes(agent.role)[0] || '';
  const app = agent.name ? `Met het programma “${agent.name}”.` : '';
  const family = { guardian: 'Een andere ouder of voogd', helper: 'Iemand die helpt in de zorg', child: child || 'Het kind zelf' };
  if (Object.hasOwn(family, role)) return { name: family[role], with: '' };
  if (role === 'system') return organization ? { name: organization, with: app } : { name: agent.name || 'Een onbekend systeem', with: '' };
  const job = jobs.get(role);
  if (!job) return { name: organization || agent.name || 'Onbekend', with: '' };
  const name = agent.name ? `${agent.name} (${job})` : `Een ${job}`;
  return { name: organization ? `${name}, ${organization}` : name, with: '' };
}

/** Sentences on what was done. */
function whatOf(row) {
  if (row.refused) return row.act === 'look' ? 'Wilde kijken, maar dat mocht niet.' : 'Wilde iets veranderen, maar dat mocht niet.';
  if (row.failed) return 'Probeerde het, maar dat ging niet.';
  if (row.own && row.kinds.size === 1 && row.kinds.has('toestemmingen')) return ownConsents[row.act] || ownConsents.change;
  const what = kinds.map((k) => k.text).concat('andere gegevens').filter((text) => row.kinds.has(text));
  if (!what.length && row.act === 'look') return 'Keek, maar vond niets.';
  return `${verbs[row.act]}: ${list(what) || 'andere gegevens'}.`;
}

const wall = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Amsterdam', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
});

/** The day and the time on the wall of an instant: ["2026-11-22", "14:05"]. */
const wallOf = (instant) => wall.format(instant).split(' ');

/** One event as a row of its own. */
function rowOf(event, you, child) {
  const at = Date.parse(event.recorded);
  const agent = requestorOf(event);
  const emergency = codes(event.purposeOfEvent).some((c) => emergencies.has(c));
  const reason = (event.entity || []).flatMap((e) => e.detail || []).find((d) => d.type === 'reden')?.valueString || '';
  const own = you.has(agent.who?.reference);
  const act = event.outcome === '4' && 'CUD'.includes(event.action) ? 'change' : actOf(event);
  const who = own ? { name: 'U', with: '' } : whoOf(event, child);
  return {
    at, day: wallOf(at)[0], own, ...who, act, emergency, reason: emergency ? reason : '',
    refused: event.outcome === '4', failed: event.outcome === '8', kinds: new Set(kindsOf(event)),
  };
}

const same = (row) => [row.day, row.name, row.with, row.act, row.emergency, row.reason, row.refused, row.failed].join('\n');

/** Rows of one day, one reader and one act become one, with how many visits there were. */
function together(rows) {
  const found = new Map();
  for (const row of rows) { // the newest first
    const now = found.get(same(row));
    if (!now) {
      found.set(same(row), { ...row, from: row.at, until: row.at, times: 1 });
      continue;
    }
    if (now.from - row.at > visit) now.times += 1;
    now.from = row.at;
    row.kinds.forEach((k) => now.kinds.add(k));
  }
  return [...found.values()];
}

function hours(row) {
  const [from, until] = [row.from, row.until].map((at) => clock(wallOf(at)[1]));
  return from === until ? `${from} uur` : `${from} tot ${until} uur`;
}

/**
 * Who looked.
 * @param events AuditEvents of a child
 * @param reader {you: references that mean the reader, child: name}
 * @return {own: visits of the reader, emergencies, days: [{day, rows}], left: rows that are not shown}
 */
export function whoLooked(events, { you, child }) {
  const rows = events.filter((e) => Number.isFinite(Date.parse(e.recorded))).map((e) => rowOf(e, you, child)).sort((a, b) => b.at - a.at);
  const looks = rows.filter((r) => r.own && r.act === 'look').map((r) => ({ ...r, day: '', kinds: new Set(), refused: false, failed: false }));
  const all = together(rows.filter((r) => !r.own || r.act !== 'look'));
  const shown = all.slice(0, shownAtMost);
  const days = [...new Set(shown.map((r) => r.day))];
  return {
    own: together(looks).reduce((n, r) => n + r.times, 0), left: all.length - shown.length,
    emergencies: all.filter((r) => r.emergency).length,
    days: days.map((day) => ({ day: date(day), rows: shown.filter((r) => r.day === day).map((r) => ({ ...r, hours: hours(r), what: whatOf(r) })) })),
  };
}
