// Shows who looked: from the words of log.js to elements.

import { el } from './dom.js';
import { date } from './words.js';

const heading = () => el('h2', { tabindex: '-1' }, 'Wie keek er mee?');
const first = 15; // rows before the button for more

/** The place of the list, while it is being read. */
export const waiting = () => el('section', { id: 'wie-keek' }, heading(), el('p', { class: 'quiet' }, 'Wordt opgehaald …'));

/** The place of the list when there is none: why, and what to do. */
export function none(text, button) {
  return el('section', { id: 'wie-keek' }, heading(), el('p', {}, text), button && el('p', { class: 'buttons noprint' }, button));
}

function row(r) {
  const times = r.times > 1 ? ` ${r.times} keer.` : '';
  return el('li', { class: r.emergency ? 'urgent' : undefined }, el('p', { class: 'time' }, r.hours), el('div', {},
    r.emergency && el('p', {}, el('span', { class: 'mark' }, 'Noodtoegang')),
    el('p', {}, el('strong', {}, r.name)), el('p', {}, r.refused && el('span', { class: 'mark' }, 'Geweigerd'), r.refused && ' ', `${r.what}${times}`),
    r.reason && el('p', {}, `Reden: “${r.reason}”`), r.with && el('p', { class: 'quiet' }, r.with)));
}

const day = (d) => el('section', {}, el('h3', {}, d.day), el('ol', { class: 'day' }, d.rows.map(row)));

/** As many whole days as make some rows, and the rest behind a button. */
function daysOf(days) {
  let rows = 0;
  const at = days.findIndex((d) => { rows += d.rows.length; return rows >= first; }) + 1 || days.length;
  const rest = days.slice(at);
  if (!rest.length) return days.map(day);
  const more = el('div', { hidden: true, tabindex: '-1' }, rest.map(day));
  const button = el('button', { type: 'button', class: 'small', onclick: () => {
    more.hidden = false;
    button.remove();
    more.focus({ preventScroll: true });
  } }, 'Eerdere dagen laten zien');
  return [days.slice(0, at).map(day), el('p', { class: 'buttons noprint' }, button), more];
}

const count = (n) => (n === 1 ? '1 keer' : `${n} keer`);

/**
 * The list.
 * @param found of log.js whoLooked()
 * @param about {child: name, since: first day, more: whether older rows were left out, save: gives the whole list as a file}
 */
export function list(found, { child, since, more, save }) {
  const name = child || 'uw kind';
  return el('section', { id: 'wie-keek' }, heading(),
    el('p', {}, `Hier ziet u wie gegevens van ${name} zag of veranderde. De lijst begint op ${date(since)}.`),
    found.emergencies ? el('div', { class: 'problem' }, el('p', {}, el('strong', {}, 'Er was noodtoegang. '),
      'Een zorgverlener keek toen zonder toestemming, om snel te helpen. Vragen? Bel de organisatie die erbij staat.')) : '',
    found.own ? el('p', { class: 'quiet' }, `U keek zelf ${count(found.own)}. Dat staat niet in de lijst.`) : '',
    found.days.length ? daysOf(found.days) : el('p', {}, 'Niemand anders keek.'),
    more || found.left ? el('p', { class: 'quiet' }, 'Er is meer. U ziet alleen het nieuwste deel.') : '',
    el('p', { class: 'quiet' }, 'Wat iemand binnen 10 minuten doet, telt als één keer. Klopt er iets niet? Bel de organisatie die erbij staat.'),
    el('p', { class: 'buttons noprint' }, el('button', { type: 'button', class: 'small', onclick: save }, 'De lijst van het laatste jaar bewaren (CSV)')));
}
