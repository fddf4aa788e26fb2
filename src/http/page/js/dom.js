// The only way that anything gets onto the page: as text nodes and attributes, never as markup. Names,
// labels and error texts come from outside.

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `on` holds listeners by event; `false`, `null` and `undefined` leave one out
 * @param {...(Node | string | number | null | undefined)} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else {
      setAttribute(node, name, value);
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

/** Sets an attribute if it is not so yet; `false`, `null` and `undefined` remove it. */
export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** Sets the text if it is not so yet, so that a reader's place in it is kept. */
export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** @typedef {{ node: HTMLElement, update: (item: any) => void }} Row */

/** @type {WeakMap<Element, Map<string, Row>>} */
const known = new WeakMap();

/**
 * Shows `items` as the children of `parent`. An item that stays keeps its element, and with it the focus.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Row} make
 */
export function keyed(parent, items, keyOf, make) {
  const old = known.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    let key = keyOf(item);
    while (now.has(key)) key += '\u0000';
    const row = old.get(key) ?? make(item);
    row.update(item);
    now.set(key, row);
  }
  const kept = new Set([...now.values()].map((row) => row.node));
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let place = parent.firstChild;
  for (const { node } of now.values()) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  known.set(parent, now);
}
