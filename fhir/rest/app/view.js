// Shows a plan: from the words of plan.js to elements.

import { el, phone, with112 } from './dom.js';
import * as words from './words.js';

const h = (level, ...children) => el(`h${Math.min(level, 6)}`, {}, ...children);
const sentence = (text) => (/[.!?]$/.test(text) ? words.upperFirst(text) : `${words.upperFirst(text)}.`);
const named = (w) => (w.role ? `${w.name} (${w.role})` : w.name);
const people = (who) => words.list(who.map(named));
const dot = (text) => (text ? sentence(text) : '');

const unsaid = () => el('p', {}, el('strong', {}, 'Let op: '), 'in het plan staat hier meer dan deze pagina kan laten zien. Vraag het uw zorgverlener.');

/** One emergency plan, clearly marked when it holds; one that does not has nothing to tap. */
function emergency(plan, level, heading, holds = true) {
  const numbers = !holds ? [] : [/\b112\b/.test(plan.action) ? '112' : '', plan.phone].filter(Boolean);
  const calls = [...new Set(numbers)].map((n) => phone(n, `Bel ${n}`, 'button'));
  const say = holds ? with112 : (text) => text;
  return el('section', { class: holds ? 'emergency' : 'card' }, h(level, heading), el('dl', {},
    plan.signs.length ? [el('dt', {}, 'Ziet u dit?'), el('dd', {}, say(words.upperFirst(words.list(plan.signs))))] : '',
    plan.action ? [el('dt', {}, 'Doe dan dit'), el('dd', {}, say(words.upperFirst(plan.action)))] : '',
    !holds && plan.phone ? [el('dt', {}, 'Telefoon'), el('dd', {}, plan.phone)] : ''),
  calls.length ? el('p', { class: 'buttons' }, calls) : '');
}

/** What changed in this version. */
function change(plan, level) {
  const c = plan.change;
  if (!c) return '';
  const since = c.since ? ` vanaf ${words.date(c.since)}` : '';
  return el('section', { class: 'note', id: plan.draft ? undefined : 'nieuw' }, h(level, 'Wat is er veranderd?'),
    el('p', {}, `${plan.draft ? 'Dit verandert' : 'Dit is veranderd'}${since}: ${words.list(c.kinds)}.`),
    c.reason && el('p', {}, `Waarom: ${sentence(c.reason)}`), el('p', {}, `Veranderd door ${named(c.via)}.`));
}

/** The day: daily programme and care at a time. */
function day(plan, level, child) {
  if (!plan.day.length) return '';
  return el('section', { id: plan.draft ? undefined : 'dag' }, h(level, `De dag van ${child}`), el('ol', { class: 'day' }, plan.day.map((row) => {
    const you = row.who.some((w) => w.you);
    const until = row.until ? ` tot ${words.clock(row.until)}` : '';
    return el('li', { class: you ? 'you' : undefined }, el('p', { class: 'time' }, `${words.clock(row.from)}${until} uur`),
      el('div', {}, el('p', {}, words.upperFirst(row.what)), row.who.length ? el('p', { class: 'quiet' }, you ? el('strong', {}, words.upperFirst(people(row.who))) : people(row.who)) : ''));
  })), el('p', { class: 'quiet' }, 'Zorg zonder vaste tijd staat hieronder.'));
}

function phaseWords(e) {
  const bounds = words.period(e.when.bounds);
  if (e.phase === 'past') return el('p', {}, el('span', { class: 'mark' }, 'Voorbij'), ` ${dot(bounds)}`);
  if (e.phase === 'future') return el('p', {}, el('span', { class: 'mark' }, 'Begint later'), ` ${dot(bounds)}`);
  return bounds && el('p', { class: 'quiet' }, dot(bounds));
}

/** Who does an action, and when. */
function executor(e) {
  const you = e.who.some((w) => w.you);
  const who = e.who.length ? words.upperFirst(people(e.who)) : 'Wie dit doet staat er niet bij';
  return el('li', { class: you ? 'you' : undefined },
    e.who.length || e.when.text ? el('p', {}, el('strong', {}, who), `: ${e.when.text || 'wanneer staat er niet bij'}`) : el('p', {}, 'Wie dit doet en wanneer staat er niet bij.'),
    e.state && el('p', {}, el('span', { class: 'mark' }, e.state)), phaseWords(e),
    e.skilled && el('p', { class: 'quiet' }, `${you ? 'U heeft' : 'Heeft'} dit geleerd: bekwaam sinds ${words.date(e.skilled)}.`),
    !e.whole && unsaid());
}

function action(a, level) {
  return el('article', { class: 'card' }, h(level, a.not && el('span', { class: 'mark' }, 'Niet doen'), a.not && ' ', words.upperFirst(a.what)),
    el('ul', { class: 'who' }, a.executors.map(executor)),
    a.trained && el('p', { class: 'quiet' }, 'Alleen iemand die dit geleerd heeft mag dit doen.'),
    a.why.length ? el('p', { class: 'quiet' }, `Waarom: ${sentence(words.list(a.why))}`) : '',
    a.goal && el('p', { class: 'quiet' }, `Doel: ${sentence(a.goal)}`));
}

function feeding(f, level, changed) {
  const rows = [['Soort', f.kind], ['Voeding', f.product], ['Hoeveel', words.list(f.amount) && `${words.list(f.amount)} per keer`],
    ['Hoe vaak', words.list(f.often)], ['Hoe', f.route], ['Let op', f.notes.map(sentence).join(' ')]].filter(([, value]) => value);
  return el('article', { class: 'card' }, h(level, 'Voeding', changed && ' ', changed && el('span', { class: 'mark' }, 'Veranderd')),
    el('dl', { class: 'pairs' }, rows.map(([name, value]) => [el('dt', {}, name), el('dd', {}, words.upperFirst(value))])), !f.whole && unsaid());
}

function goals(list, level) {
  if (!list.length) return '';
  return el('section', {}, h(level, list.length > 1 ? 'Doelen' : 'Doel'), el('ul', {}, list.map((g) => el('li', {}, sentence(g.text),
    g.by && ` We ${g.past ? 'wilden' : 'willen'} dit halen voor ${words.date(g.by)}.`,
    g.with.length ? el('span', { class: 'quiet' }, ` Samen gemaakt met ${people(g.with)}.`) : ''))));
}

/** The first domain of an item is where it stands; the others point to it. */
const home = (item, code) => (item.domains[0] || '') === code;
const also = (items, code) => items.filter((i) => i.domains.slice(1).includes(code));
const titleOf = (code) => words.domains.find((d) => d.code === code).title;

/** One of the four domains. */
function domain(plan, d, level) {
  const actions = plan.actions.filter((a) => home(a, d.code));
  const own = plan.goals.filter((g) => home(g, d.code));
  const feedings = d.code === 'medisch' ? plan.feeding : [];
  const seen = also(plan.actions, d.code);
  const none = !actions.length && !own.length && !feedings.length && !seen.length;
  const notes = d.code === 'veiligheid' && plan.emergency.length && !plan.draft ? el('p', {}, 'Het noodplan staat bovenaan deze pagina.') : '';
  return el('section', { id: plan.draft ? undefined : d.code },
    h(level, d.title, d.term && el('span', { class: 'term' }, ` (${d.term})`)), notes,
    none && !notes ? el('p', {}, 'Hier staan nu geen afspraken.') : '',
    actions.map((a) => action(a, level + 1)), feedings.map((f) => feeding(f, level + 1, plan.change?.codes.includes('voedingsschema'))), goals(own, level + 1),
    seen.length ? [el('p', {}, 'Hoort hier ook bij:'), el('ul', {}, seen.map((a) => el('li', {}, `${words.upperFirst(a.what)} (staat bij “${titleOf(a.domains[0])}”)`)))] : '');
}

/** What has no domain. */
function loose(plan, level) {
  const actions = plan.actions.filter((a) => home(a, ''));
  const own = plan.goals.filter((g) => home(g, ''));
  if (!actions.length && !own.length) return '';
  return el('section', {}, h(level, 'Andere afspraken in het plan'), actions.map((a) => action(a, level + 1)), goals(own, level + 1));
}

function talks(plan, level) {
  if (!plan.talks.length) return '';
  return el('section', { id: plan.draft ? undefined : 'gesprekken' }, h(level, 'Gesprekken over het plan'), el('ul', {}, plan.talks.map((t) => {
    const next = t.next ? ` Het volgende gesprek is rond ${words.date(t.next)}.` : '';
    const who = t.with.length ? ` Met ${words.list(t.with)}.` : '';
    return el('li', {}, el('strong', {}, t.what || 'Gesprek'), `: ${[t.often, t.how].filter(Boolean).join(', ')}.${next}${who}`);
  })));
}

function about(plan) {
  const made = plan.author ? `Gemaakt door ${named(plan.author)}. ` : '';
  const phase = { past: 'Dit plan is voorbij. ', future: 'Dit plan begint later. ', now: '' }[plan.phase];
  const held = plan.held ? 'Dit plan is even gestopt. ' : '';
  const bounds = plan.period ? `Het plan geldt ${words.period(plan.period)}. ` : '';
  return el('p', { class: 'quiet' }, held || phase ? el('strong', {}, held, phase) : '', `${made}${bounds}${plan.version ? `Versie ${plan.version}.` : ''}`.trim());
}

function sections(plan, level, child) {
  return [change(plan, level), day(plan, level, child), words.domains.map((d) => domain(plan, d, level)), loose(plan, level), talks(plan, level)];
}

/** A plan that nobody signed yet: folded, so that nobody takes it for the plan that holds. */
function draft(plan, child, open) {
  return el('details', { open }, el('summary', {}, el('h2', {}, 'Nieuw plan'), ' ', el('span', { class: 'mark' }, 'niet ondertekend')),
    el('p', {}, el('strong', {}, 'Dit plan geldt nog niet. '), 'Volg het niet. Het is een voorstel.'), about(plan),
    plan.emergency.map((e) => emergency(e, 3, 'Noodplan in het nieuwe plan (geldt nog niet)', false)), sections(plan, 3, child));
}

/** What was agreed outside the plan, such as at a transfer. */
function others(o) {
  if (!o.actions.length && !o.feeding.length) return '';
  return el('section', { id: 'anders' }, h(2, 'Andere afspraken, buiten het zorgplan'),
    el('p', {}, 'Bijvoorbeeld uit de overdracht van het ziekenhuis. Is iets anders dan in het zorgplan? Vraag dan wat geldt.'),
    o.actions.map((a) => action(a, 3)), o.feeding.map((f) => feeding(f, 3)));
}

function contacts(list) {
  if (!list.length) return '';
  return el('section', { id: 'vragen' }, h(2, 'Vragen?'), el('ul', {}, list.map((c) => el('li', {}, `${words.upperFirst(named(c))}${c.organization ? `, ${c.organization}` : ''}`,
    c.phone && [': ', phone(c.phone, `bel ${c.phone}`)]))));
}

const gaps = {
  Patient: 'de naam van uw kind', Goal: 'de doelen', NutritionOrder: 'de voeding', CareTeam: 'het team', Condition: 'waarom iets nodig is',
  RelatedPerson: 'namen van familie', Practitioner: 'namen van zorgverleners',
};

/** One line on why the reader may see this, and how to stop it. */
function why(v, manage) {
  const child = v.child || 'uw kind';
  const reasons = {
    self: 'U ziet dit omdat het over uzelf gaat, en omdat u deze app toestemming gaf.',
    custody: `U ziet dit omdat u gezag heeft over ${child}, en omdat u deze app toestemming gaf.`,
    '': `U ziet dit omdat u gegevens van ${child} mag lezen, en omdat u deze app toestemming gaf.`,
  };
  return el('section', { id: 'waarom' }, h(2, 'Waarom ziet u dit?'), el('p', {}, reasons[v.reason],
    v.decides && v.reason !== 'self' && ` ${child} is 12 jaar of ouder en beslist mee.`),
  el('p', {}, 'U kunt dit altijd stoppen. ', el('a', { href: manage }, 'Toestemming bekijken of stoppen')));
}

function contents(v, plan) {
  const links = [plan?.change && ['nieuw', 'Wat is er veranderd?'], plan?.day.length && ['dag', `De dag van ${v.child || 'uw kind'}`],
    ...(plan ? words.domains.map((d) => [d.code, d.title]) : []), plan?.talks.length && ['gesprekken', 'Gesprekken'],
    (v.others.actions.length || v.others.feeding.length) && ['anders', 'Andere afspraken'], v.contacts.length && ['vragen', 'Vragen?'],
    ['wie-keek', 'Wie keek er mee?'],
    ['waarom', 'Waarom ziet u dit?']].filter(Boolean);
  return el('nav', { 'aria-label': 'Op deze pagina' }, el('ul', { class: 'contents' }, links.map(([id, text]) => el('li', {}, el('a', { href: `#${id}` }, text)))));
}

/** The plan that holds; a second one of another organisation gets a heading of its own. */
function current(plan, child, alone) {
  if (alone) return [about(plan), sections(plan, 2, child)];
  return el('section', {}, h(2, `${plan.title}${plan.author ? ` van ${named(plan.author)}` : ''}`), about(plan), sections({ ...plan, draft: false }, 3, child));
}

/**
 * The whole page for what was read.
 * @param v       of plan.js view()
 * @param options {manage: where consent is withdrawn, missing: types that were not permitted, log: the section on who looked}
 */
export function page(v, { manage, missing, log }) {
  const child = v.child || 'uw kind';
  const holds = v.plans.filter((p) => !p.draft);
  const drafts = v.plans.filter((p) => p.draft);
  const urgent = [...holds.flatMap((p) => p.emergency), ...v.others.emergency];
  const left = missing.filter((t) => Object.hasOwn(gaps, t)).map((t) => gaps[t]);
  return [
    el('h1', { tabindex: '-1' }, `Zorgplan van ${child}`),
    urgent.map((e) => emergency(e, 2, 'Noodplan')),
    holds.length && !urgent.length ? el('p', { class: 'note' }, 'U ziet hier geen noodplan. Bel bij levensgevaar ', with112('112'), '.') : '',
    left.length ? el('p', { class: 'note' }, `U gaf geen toestemming voor: ${words.list(left)}. Dat ziet u hier dus niet.`) : '',
    holds.length ? '' : el('p', {}, `Er is nu geen zorgplan voor ${child} dat u kunt zien. Vraag de zorgcoördinator als u dat niet verwacht.`),
    contents(v, holds[0]),
    holds.map((p) => current(p, child, holds.length === 1)), drafts.map((p) => draft(p, child, !holds.length)),
    others(v.others), contacts(v.contacts), log, why(v, manage),
  ];
}
