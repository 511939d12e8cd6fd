// From FHIR resources to what the page shows: plain objects with words in them. Pure: no network,
// no page. Nothing that it does not know is left out in silence.

import * as words from './words.js';

const B = 'https://drieluik.example/fhir';
const structure = (name) => `${B}/StructureDefinition/${name}`;
const system = (name) => `${B}/CodeSystem/${name}`;
const systems = { category: system('mks-categorie'), domain: system('mks-domein'), role: system('teamrol') };

const extensions = (element, name) => (element?.extension || []).filter((e) => e.url === structure(name));
const extension = (element, name) => extensions(element, name)[0];
const parts = (ext, name) => (ext?.extension || []).filter((e) => e.url === name);
const part = (ext, name) => parts(ext, name)[0];

const codings = (concepts) => (concepts || []).flatMap((c) => c.coding || []);
const codesOf = (concepts, system) => codings(concepts).filter((c) => c.system === system).map((c) => c.code);
const conceptText = (c) => c?.text || (c?.coding || []).map((k) => k.display).find(Boolean) || '';
const categories = (r) => codesOf(r.category, systems.category);

/** "Type/id" of a literal reference, "" of any other. */
export const refOf = (reference) => /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(\/_history\/[^/]+)?$/.exec(reference?.reference || '')?.[1] || '';

/** Everything that was read, by reference. */
export function index(resources) {
  return new Map(resources.map((r) => [`${r.resourceType}/${r.id}`, r]));
}

/** The domains of a resource, in the order of the page. */
function domainsOf(r) {
  const found = new Set([...codesOf(r.category, systems.domain),
    ...(r.meta?.tag || []).filter((t) => t.system === systems.domain).map((t) => t.code)]);
  return words.domains.map((d) => d.code).filter((d) => found.has(d));
}

/** The name of a person, or "". */
export function nameOf(names) {
  const usable = (names || []).filter((n) => n.use !== 'old' && n.use !== 'nickname');
  const n = usable.find((x) => x.use === 'official') || usable[0];
  return n?.text || [...(n?.given || []), n?.family].filter(Boolean).join(' ');
}

/** The name that a child is called by, or "". */
export function callName(patient) {
  const names = patient?.name || [];
  const n = names.find((x) => x.use === 'usual' && x.given?.length) || names.find((x) => x.given?.length);
  return n?.given?.[0] || names[0]?.text || '';
}

/** Who reads: the references that mean "u". */
export function readers(fhirUser, person) {
  const self = refOf({ reference: fhirUser });
  return new Set([self, ...(person?.link || []).map((l) => refOf(l.target))].filter(Boolean));
}

/** The role codings of a team member at this child, else of the function. */
function rolesOf(world, ref) {
  const own = (concepts) => codings(concepts).filter((c) => c.system === systems.role || c.display);
  const team = own(world.teams.flatMap((t) => t.participant || []).filter((p) => refOf(p.member) === ref).flatMap((p) => p.role || []));
  return team.length ? team : own(world.index.get(ref)?.code);
}

/** The role in words; whoever coordinates is that before all else. */
function roleOf(world, ref) {
  const found = rolesOf(world, ref);
  const first = found.find((c) => words.isOnlyOne(c.code)) || found[0];
  return first ? words.roleWords(first.code, first.display) : '';
}

/** Somebody without a name that may be read: "de zorgcoördinator", "een verpleegkundige". */
function nameless(world, ref, otherwise) {
  const role = roleOf(world, ref);
  if (!role) return otherwise;
  return `${rolesOf(world, ref).some((c) => words.isOnlyOne(c.code)) ? 'de' : 'een'} ${role}`;
}

function relative(r) {
  const relation = codings(r.relationship).map((c) => words.relationWords(c.code)).find(Boolean);
  const kind = words.relatedWords(part(extension(r, 'betrokkene'), 'soort')?.valueCode);
  const given = r.name?.find((n) => n.given?.length)?.given[0];
  return { name: given || nameOf(r.name), role: relation || kind };
}

/** Who a reference means: {name, role, you}. otherwise is said of whoever cannot be read. */
export function whoIs(world, reference, otherwise = 'iemand') {
  const ref = refOf(reference);
  const r = world.index.get(ref);
  if (ref && world.you.has(ref)) return { name: 'u', role: '', you: true };
  if (ref.startsWith('Patient/')) return { name: world.child || 'het kind', role: '', you: false };
  if (r?.resourceType === 'RelatedPerson') return { ...relative(r), you: false };
  if (r?.resourceType === 'Organization') return { name: r.name || 'een organisatie', role: '', you: false };
  if (r?.resourceType === 'PractitionerRole') {
    const person = world.index.get(refOf(r.practitioner));
    const name = nameOf(person?.name) || r.practitioner?.display || reference.display;
    return name ? { name, role: roleOf(world, ref), you: false } : { name: nameless(world, ref, otherwise), role: '', you: false };
  }
  if (r?.resourceType === 'Practitioner') return { name: nameOf(r.name) || otherwise, role: '', you: false };
  return { name: reference?.display || nameless(world, ref, otherwise), role: '', you: false };
}

/** When an activity happens: {text, asNeeded, whole, times, minutes, daily}. */
export function whenOf(detail, carePlanPeriod) {
  const asNeeded = /^zo nodig:\s*/i.exec(detail.scheduledString || '');
  const t = words.timing(detail.scheduledTiming);
  const repeat = detail.scheduledTiming?.repeat || {};
  const bounds = repeat.boundsPeriod || detail.scheduledPeriod || carePlanPeriod;
  const said = asNeeded ? `zo nodig: ${detail.scheduledString.slice(asNeeded[0].length)}` : detail.scheduledString || t.text;
  return {
    text: said, whole: t.whole, bounds,
    times: repeat.timeOfDay || [],
    minutes: repeat.durationUnit === 'min' ? repeat.duration : undefined,
    daily: t.whole && (repeat.period ?? 1) === 1 && (repeat.periodUnit ?? 'd') === 'd' && !repeat.dayOfWeek,
  };
}

const understood = new Set(['id', 'extension', 'kind', 'code', 'status', 'statusReason', 'doNotPerform', 'reasonCode', 'reasonReference', 'goal',
  'scheduledTiming', 'scheduledPeriod', 'scheduledString', 'performer', 'description', 'location', 'instantiatesCanonical', 'instantiatesUri']);

/** One executor of one activity. */
function executor(world, carePlan, detail) {
  const kind = part(extension(carePlan, 'actie'), 'uitvoerderSoort')?.valueCode;
  const skilled = part(part(extension(carePlan, 'actie'), 'bekwaam'), 'op')?.valueDate;
  const when = whenOf(detail, carePlan.period);
  return {
    who: (detail.performer || []).map((p) => whoIs(world, p, words.doerWords(kind))),
    when, skilled,
    phase: words.when(when.bounds, world.today),
    state: words.stateWords(detail.status || 'unknown'),
    whole: when.whole && Object.keys(detail).every((k) => understood.has(k)) && !carePlan.modifierExtension,
  };
}

/** What one activity asks, without who and when. */
function instruction(activity) {
  const d = activity.detail;
  if (!d) return activity.reference?.display || 'Dit staat op een andere plaats in het dossier';
  return d.description || conceptText(d.code) || 'Zonder uitleg in het plan';
}

/** The actions of a plan: executors of one source action together. */
function actionsOf(world, plans) {
  const found = new Map();
  for (const p of plans) {
    const ext = extension(p, 'actie');
    for (const [i, a] of (p.activity || []).entries()) {
      if (a.detail?.status === 'entered-in-error') continue;
      const key = ext ? [...(p.partOf || []).map(refOf), part(ext, 'id')?.valueString, instruction(a)].join('\n') : `${p.id} ${i}`;
      const now = found.get(key) || {
        what: instruction(a), not: a.detail?.doNotPerform === true, domains: domainsOf(p), executors: [],
        order: [part(ext, 'id')?.valueString || '', p.id],
        trained: part(ext, 'voorbehouden')?.valueBoolean === true,
        why: [...new Set((p.addresses || []).map((r) => conceptText(world.index.get(refOf(r))?.code)).filter(Boolean))],
        goal: extension(p, 'doel-tekst')?.valueString || '',
      };
      now.executors.push({ ...executor(world, p, a.detail || {}), number: part(ext, 'volgnummer')?.valuePositiveInt || i });
      found.set(key, now);
    }
  }
  const actions = [...found.values()];
  for (const a of actions) a.executors.sort((x, y) => x.number - y.number);
  return actions.sort((a, b) => a.order[0].localeCompare(b.order[0], 'nl', { numeric: true }));
}

/** The rows of the day: the day programme and every daily action with a time that holds today. */
function dayOf(world, actions, programmes) {
  const rows = [];
  for (const a of programmes.flatMap((p) => p.activity || [])) {
    const when = whenOf(a.detail || {});
    for (const t of when.times) rows.push({ from: t, until: words.later(t, when.minutes), what: instruction(a), who: [] });
  }
  for (const a of actions.filter((x) => !x.not)) {
    for (const e of a.executors.filter((x) => x.when.daily && x.phase === 'now' && !x.state)) {
      for (const t of e.when.times) rows.push({ from: t, until: '', what: a.what, who: e.who });
    }
  }
  return rows.sort((a, b) => a.from.localeCompare(b.from));
}

function emergencyOf(plans) {
  return plans.flatMap((p) => (p.activity || []).map((a) => a.detail).filter(Boolean)).map((d) => ({
    signs: (d.reasonCode || []).map(conceptText).filter(Boolean),
    action: d.description || '',
    phone: extension(d, 'noodtelefoon')?.valueString || '',
  }));
}

function quantity(q) {
  return q?.value === undefined ? '' : `${words.number(q.value)} ${q.unit === 'mL' ? 'ml' : q.unit || ''}`.trim();
}

function feedingOf(order) {
  const formula = order.enteralFormula;
  const given = formula?.administration || [];
  const oral = order.oralDiet;
  const route = formula?.routeofAdministration?.coding?.[0];
  const oralRoute = extension(order, 'toedieningsweg')?.valueCode;
  const often = [...given.map((g) => g.schedule), ...(oral?.schedule || [])].map((s) => words.timing(s));
  const amount = [...given.map((g) => quantity(g.quantity)), quantity(extension(order, 'ml-per-keer')?.valueQuantity)];
  return {
    kind: words.feedingWords(extension(order, 'voeding-soort')?.valueCode, conceptText(formula?.baseFormulaType) || (oral?.type || []).map(conceptText)[0]),
    product: formula?.baseFormulaProductName || oral?.instruction || '',
    amount: amount.filter(Boolean), often: often.map((t) => t.text).filter(Boolean),
    route: words.routeWords(route?.code || oralRoute, route?.display),
    notes: (order.note || []).map((n) => n.text),
    whole: often.every((t) => t.whole) && !order.modifierExtension && !order.supplement && given.every((g) => !g.rateQuantity && !g.rateRatio),
  };
}

function goalOf(world, goal) {
  const own = domainsOf(goal);
  return {
    text: conceptText(goal.description), by: (goal.target || []).map((t) => t.dueDate).find(Boolean) || '',
    past: (goal.target || []).some((t) => t.dueDate && words.when({ end: t.dueDate }, world.today) === 'past'),
    with: extensions(goal, 'opgesteld-met').map((e) => whoIs(world, e.valueReference, 'iemand')), domains: own,
  };
}

function talksOf(master) {
  return (master.activity || []).map((a) => a.detail).filter((d) => d?.kind === 'Appointment').map((d) => ({
    what: conceptText(d.code), often: words.timing({ repeat: { ...d.scheduledTiming?.repeat, boundsPeriod: undefined } }).text,
    next: d.scheduledTiming?.repeat?.boundsPeriod?.start || '',
    how: words.wayWords(extension(d, 'afname-wijze')?.valueCode),
    with: extensions(d, 'deelnemer-rol').map((e) => words.roleWords(e.valueCode)),
  }));
}

function changeOf(world, master) {
  const ext = extension(master, 'wijziging');
  if (!ext) return null;
  return {
    kinds: parts(ext, 'soort').map((e) => words.changeWords(e.valueCode)), codes: parts(ext, 'soort').map((e) => e.valueCode),
    reason: part(ext, 'reden')?.valueString || '', via: whoIs(world, part(ext, 'via')?.valueReference, 'de zorgcoördinator'),
    since: master.period?.start || '',
  };
}

/** The goals that a plan names and that still count. */
function goalsOf(world, master) {
  return (master.goal || []).map((g) => world.index.get(refOf(g)))
    .filter((g) => g && !['cancelled', 'rejected', 'entered-in-error'].includes(g.lifecycleStatus)).map((g) => goalOf(world, g));
}

/** One plan with all that hangs under it. */
function planOf(world, master) {
  const under = world.plans.filter((p) => (p.partOf || []).some((r) => refOf(r) === `CarePlan/${master.id}`));
  const of = (category) => under.filter((p) => categories(p).includes(category));
  const rest = under.filter((p) => !categories(p).some((c) => c === 'noodplan' || c === 'dagprogramma'));
  const actions = actionsOf(world, rest);
  return {
    draft: master.status === 'draft', held: master.status === 'on-hold', title: master.title || 'Zorgplan',
    phase: words.when(master.period, world.today), period: master.period, author: master.author && whoIs(world, master.author, 'de zorgcoördinator'),
    version: part(extension(master, 'bron-record'), 'versie')?.valuePositiveInt,
    emergency: emergencyOf(of('noodplan')), change: changeOf(world, master), actions, day: dayOf(world, actions, of('dagprogramma')),
    goals: goalsOf(world, master), talks: talksOf(master),
    feeding: (master.supportingInfo || []).map((r) => world.index.get(refOf(r))).filter((r) => r?.resourceType === 'NutritionOrder').map(feedingOf),
  };
}

/** What stands outside a plan: of a transfer or of another system. */
function othersOf(world, masters) {
  const named = new Set(masters.flatMap((m) => m.supportingInfo || []).map(refOf));
  const under = new Set(masters.map((m) => `CarePlan/${m.id}`));
  const loose = world.plans.filter((p) => p.status !== 'draft' && !masters.includes(p) && !(p.partOf || []).some((r) => under.has(refOf(r))));
  const emergency = loose.filter((p) => categories(p).includes('noodplan'));
  return {
    emergency: emergencyOf(emergency),
    actions: actionsOf(world, loose.filter((p) => !emergency.includes(p))),
    feeding: world.orders.filter((o) => o.status === 'active' && !named.has(`NutritionOrder/${o.id}`)).map(feedingOf),
  };
}

/** Whom to ask: coordinators of the team with a telephone number. */
function contactsOf(world) {
  const wanted = ['zorgcoordinator', 'gezinscoordinator'];
  const now = world.teams.flatMap((t) => t.participant || []).filter((p) => words.when(p.period, world.today) === 'now');
  return wanted.flatMap((role) => now.filter((p) => codesOf(p.role, systems.role).includes(role)).map((p) => {
    const r = world.index.get(refOf(p.member));
    const organization = world.index.get(refOf(r?.organization));
    const phone = [...(r?.telecom || []), ...(organization?.telecom || [])].find((t) => t.system === 'phone')?.value;
    const who = whoIs(world, p.member, `de ${words.roleWords(role)}`);
    return { ...who, role: who.role && words.roleWords(role), organization: organization?.name || '', phone: phone || '' };
  }));
}

/** Why the reader may see this, as far as the server tells: "self", "custody" or "". */
function reasonOf(world, patient) {
  if (patient && world.you.has(`Patient/${patient.id}`)) return 'self';
  const now = (ext) => words.when(part(ext, 'period')?.valuePeriod, world.today) === 'now';
  const held = extensions(patient, 'gezag').filter(now).flatMap((e) => parts(e, 'houder')).some((h) => world.you.has(refOf(h.valueReference)));
  const own = [...world.you].map((ref) => world.index.get(ref)).some((r) => extensions(r, 'gezag').some(now));
  return held || own ? 'custody' : '';
}

/** Age in whole years on a day, or undefined when the birth date is not whole. */
export function age(born, day) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(born || '')) return undefined;
  return Number(day.slice(0, 4)) - Number(born.slice(0, 4)) - (day.slice(5) < born.slice(5) ? 1 : 0);
}

/**
 * What the page shows.
 * @param resources FHIR resources that were read
 * @param reader    {fhirUser, person, patient} of the token answer; person when the reader is one
 * @param today     the day, "2026-11-22"
 */
export function view(resources, reader, today) {
  const all = index(resources);
  const patient = all.get(`Patient/${reader.patient}`);
  const world = {
    index: all, today, child: callName(patient), you: readers(reader.fhirUser, reader.person),
    plans: resources.filter((r) => r.resourceType === 'CarePlan' && r.status !== 'entered-in-error'),
    teams: resources.filter((r) => r.resourceType === 'CareTeam' && r.status !== 'inactive'),
    orders: resources.filter((r) => r.resourceType === 'NutritionOrder'),
  };
  const masters = world.plans.filter((p) => categories(p).includes('zorgplan'));
  const years = age(patient?.birthDate, today);
  return {
    child: world.child, reason: reasonOf(world, patient), decides: years >= 12 && years < 16,
    plans: masters.map((m) => planOf(world, m)).sort((a, b) => Number(a.draft) - Number(b.draft)),
    others: othersOf(world, masters), contacts: contactsOf(world),
  };
}

/** References in what was read that the page needs too: people and organisations. A role may name its person. */
export function wanted(resources) {
  const have = index(resources);
  const refs = resources.flatMap((r) => [
    r.author, r.practitioner?.display ? undefined : r.practitioner, r.organization, ...(r.resourceType === 'CareTeam' ? r.participant || [] : []).map((p) => p.member),
    ...(r.resourceType === 'CarePlan' ? r.activity || [] : []).flatMap((a) => a.detail?.performer || []),
    part(extension(r, 'wijziging'), 'via')?.valueReference, ...extensions(r, 'opgesteld-met').map((e) => e.valueReference),
  ]).map(refOf);
  return [...new Set(refs)].filter((ref) => /^(Practitioner|PractitionerRole|Organization|RelatedPerson)\//.test(ref) && !have.has(ref));
}
