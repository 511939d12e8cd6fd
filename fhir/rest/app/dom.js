// Elements from words. Everything that a server said becomes a text node; nothing is parsed as HTML.

/** Makes an element: attributes by name, listeners by "on" and a function, children as text or nodes. */
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') e.addEventListener(key.slice(2), value);
    else if (value === true) e.setAttribute(key, '');
    else if (value !== false && value !== undefined && value !== '') e.setAttribute(key, value);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== '' && c !== null && c !== undefined && c !== false));
  return e;
}

/** A telephone number to tap; text that is no number stays text. */
export function phone(number, text, style) {
  const digits = number.replaceAll(/[\s().-]/g, '');
  return /^\+?\d{3,15}$/.test(digits) ? el('a', { href: `tel:${digits}`, class: style }, text) : text;
}

/** Text in which the emergency number 112 can be tapped. */
export const with112 = (text) => text.split(/(\b112\b)/).map((part) => (part === '112' ? phone(part, part) : part));
