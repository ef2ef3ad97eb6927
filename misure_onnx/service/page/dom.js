// Elements without markup in strings: text is always text.

/** element("p", {class: "hint"}, "text", child, …) */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function fill(parent, ...children) {
  parent.replaceChildren(...children);
}

/** What could not be measured is a dash. */
export const number = (value, digits = 2) => value === null ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** 0.153 -> "15 %"; small shares keep a digit. */
export function percent(share) {
  const value = 100 * share;
  return `${number(value, value < 9.95 && value > 0 ? 1 : 0)} %`;
}
