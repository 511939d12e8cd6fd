// Dutch words for what FHIR says in codes. Pure: no network, no page.

const months = ['januari', 'februari', 'maart', 'april', 'mei', 'juni', 'juli', 'augustus',
  'september', 'oktober', 'november', 'december'];

/** Domains of a child's life in the order of the page, with a heading in plain words. */
export const domains = [
  { code: 'medisch', title: 'Gezondheid', term: 'medisch' },
  { code: 'veiligheid', title: 'Veiligheid', term: '' },
  { code: 'sociaal', title: 'Gezin en samen leven', term: 'sociaal' },
  { code: 'ontwikkeling', title: 'Spelen, leren en groeien', term: 'ontwikkeling' },
];

const changes = {
  dagprogramma: 'het dagprogramma', voedingsschema: 'de voeding', acties: 'de zorg (wat er moet gebeuren)',
  doelen: 'de doelen', noodplan: 'het noodplan', uitvoerders: 'wie de zorg doet', overig: 'iets anders in het plan',
};

const doers = {
  kind: 'het kind zelf', ouder: 'een ouder', professional: 'een zorgverlener', organisatie: 'een organisatie',
  vrijwilliger: 'een vrijwilliger', mantelzorger: 'iemand uit de omgeving',
};

const relations = {
  MTH: 'moeder', FTH: 'vader', STPMTH: 'stiefmoeder', STPFTH: 'stiefvader', PRN: 'ouder', PRNFOST: 'pleegouder',
  GRMTH: 'oma', GRFTH: 'opa', GRPRN: 'opa of oma', BRO: 'broer', SIS: 'zus', AUNT: 'tante', UNCLE: 'oom',
  NBOR: 'buur', FRND: 'vriend', GUARD: 'voogd',
};

const related = {
  ouder: 'ouder', voogd: 'voogd', pleegouder: 'pleegouder', mantelzorger: 'mantelzorger', vrijwilliger: 'vrijwilliger',
};

const roles = {
  zorgcoordinator: 'zorgcoördinator', gezinscoordinator: 'gezinscoördinator', ouder: 'u of de andere ouder',
  'indicerend-kinderverpleegkundige': 'indicerend kinderverpleegkundige',
  'medisch-specialist': 'medisch specialist', hoofdbehandelaar: 'kinderarts of medisch specialist',
  jgz: 'jeugdarts of jeugdverpleegkundige', dietist: 'diëtist', 'maatschappelijk-werk': 'maatschappelijk werker',
  leerkracht: 'leerkracht of pedagogisch medewerker', gemeente: 'gemeente', kind: 'het kind',
};

/** Roles that one person has at a child. */
const single = new Set(['zorgcoordinator', 'gezinscoordinator', 'hoofdbehandelaar', 'huisarts']);

const feedings = {
  sonde: 'Sondevoeding', oraal: 'Voeding via de mond', borst: 'Borstvoeding', fles: 'Flesvoeding',
  parenteraal: 'Voeding via een infuus', dieet: 'Dieet',
};

const routes = {
  neusmaagsonde: 'via de neussonde naar de maag', PEG: 'via de PEG-sonde in de buik',
  neusduodenumsonde: 'via de neussonde naar de darm', oraal: 'via de mond', 'centraal-veneus': 'via het infuus',
};

const ways = { telefonisch: 'aan de telefoon', huisbezoek: 'bij u thuis', ziekenhuis: 'in het ziekenhuis', video: 'met beeldbellen' };

const states = {
  'on-hold': 'Even gestopt', cancelled: 'Gaat niet door', stopped: 'Gestopt', completed: 'Klaar',
  'in-progress': '', 'not-started': '', scheduled: '', unknown: '',
};

const units = {
  s: ['seconde', 'seconden'], min: ['minuut', 'minuten'], h: ['uur', 'uur'], d: ['dag', 'dagen'],
  wk: ['week', 'weken'], mo: ['maand', 'maanden'], a: ['jaar', 'jaar'],
};

const weekdays = {
  mon: 'maandag', tue: 'dinsdag', wed: 'woensdag', thu: 'donderdag', fri: 'vrijdag', sat: 'zaterdag', sun: 'zondag',
};

const has = (table, key) => typeof key === 'string' && Object.hasOwn(table, key);
const look = (table, key, otherwise = '') => (has(table, key) ? table[key] : otherwise);

export const changeWords = (code) => look(changes, code, changes.overig);
export const doerWords = (code) => look(doers, code, 'iemand');
export const relationWords = (code) => look(relations, code);
export const relatedWords = (code) => look(related, code);
export const roleWords = (code, display) => look(roles, code) || lowerFirst(display || '') || lowerFirst(code || '');
export const isOnlyOne = (code) => single.has(code);
export const feedingWords = (code, text) => look(feedings, code) || text || 'Voeding';
export const routeWords = (code, text) => look(routes, code) || text || '';
export const wayWords = (code) => look(ways, code);
export const stateWords = (code) => look(states, code, 'Vraag uw zorgverlener of dit nog geldt');

/** "a, b en c". */
export function list(words) {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} en ${words.at(-1)}`;
}

/** Lower-cases the first letter, unless the word is an abbreviation. */
export function lowerFirst(text) {
  return /^\p{Lu}(?!\p{Lu})/u.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}

export const upperFirst = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A FHIR date or dateTime in words: "3 november 2026", "november 2026", "2026". */
export function date(value) {
  const m = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?/.exec(value || '');
  if (!m) return '';
  const month = m[2] && months[Number(m[2]) - 1];
  return [m[3] && Number(m[3]), month, m[1]].filter(Boolean).join(' ');
}

/** A time of day: "7.00". */
export function clock(value) {
  const m = /^(\d{2}):(\d{2})/.exec(value || '');
  return m ? `${Number(m[1])}.${m[2]}` : '';
}

/** The time of day so many minutes later, as FHIR writes it. */
export function later(value, minutes) {
  const m = /^(\d{2}):(\d{2})/.exec(value || '');
  if (!m || !Number.isFinite(minutes)) return '';
  const at = (Number(m[1]) * 60 + Number(m[2]) + minutes) % 1440;
  return `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}:00`;
}

/** A number as Dutch writes it. */
export const number = (n) => String(n).replace('.', ',');

/** A FHIR Period in words, "" when it says nothing. */
export function period(p) {
  if (!p) return '';
  if (p.start && p.end) return `van ${date(p.start)} tot en met ${date(p.end)}`;
  if (p.end) return `tot en met ${date(p.end)}`;
  return p.start ? `vanaf ${date(p.start)}` : '';
}

/** Whether a Period lies before, around or after a day ("2026-11-22"): "past", "now", "future". */
export function when(p, day) {
  const part = (value) => day.slice(0, value.length);
  const end = p?.end?.slice(0, 10);
  const start = p?.start?.slice(0, 10);
  if (end && end < part(end)) return 'past';
  if (start && start > part(start)) return 'future';
  return 'now';
}

function unit(n, code) {
  const [one, many] = look(units, code, ['keer', 'keer']);
  return n === 1 ? one : many;
}

const said = new Set(['boundsPeriod', 'frequency', 'period', 'periodUnit', 'timeOfDay', 'duration', 'durationUnit', 'dayOfWeek']);

/** Whether timing() can say all of a Timing. */
function whole(t) {
  const r = t.repeat || {};
  return Object.keys(t).every((k) => k === 'repeat' || k === 'id') &&
    Object.keys(r).every((k) => said.has(k) || k === 'id') &&
    (r.periodUnit === undefined || has(units, r.periodUnit)) &&
    (r.durationUnit === undefined || has(units, r.durationUnit));
}

function repeats(r) {
  const n = r.frequency || 1;
  const per = r.period || 1;
  if (r.timeOfDay?.length) {
    const times = `om ${list(r.timeOfDay.map(clock))} uur`;
    if (r.dayOfWeek?.length || !r.periodUnit || (per === 1 && r.periodUnit === 'd')) return times;
    return `${times}, elke ${number(per)} ${unit(per, r.periodUnit)}`;
  }
  if (!r.periodUnit) return '';
  const span = per === 1 ? unit(1, r.periodUnit) : `${number(per)} ${unit(per, r.periodUnit)}`;
  return `${number(n)} keer per ${span}`;
}

/**
 * A FHIR Timing in words. whole is false when the Timing says more than the words: then a reader
 * must be told so, because half an instruction is a wrong one.
 */
export function timing(t) {
  if (!t) return { text: '', whole: true };
  const r = t.repeat || {};
  const parts = [];
  if (r.dayOfWeek?.length) parts.push(`op ${list(r.dayOfWeek.map((d) => look(weekdays, d, d)))}`);
  const often = repeats(r);
  if (often) parts.push(often);
  if (r.duration) parts.push(`${number(r.duration)} ${unit(r.duration, r.durationUnit)} lang`);
  const said = t.code?.text && !parts.length ? t.code.text : parts.join(', ');
  return { text: said, whole: whole(t) };
}
