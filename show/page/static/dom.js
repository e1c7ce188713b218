// Elements, and lists of them that keep focus and state while their data changes.

/** An element with attributes and children; `on` holds listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Set text only where it differs, so that screen readers are not told again. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Make the children of `parent` those of `items`: an element stays as long as its key does. */
export function sync(parent, items, keyOf, create, update = () => {}) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = there.get(key);
    if (child === undefined) {
      child = create(item);
      child.dataset.key = key;
    }
    there.delete(key);
    if (child === next) next = child.nextElementSibling;
    else parent.insertBefore(child, next);
    update(child, item);
  }
  for (const child of there.values()) child.remove();
}

/** Replace an element's content only when what it is made of has changed. */
export function fill(element, data, make) {
  const mark = JSON.stringify(data);
  if (element.dataset.mark === mark) return;
  element.dataset.mark = mark;
  element.replaceChildren(...make(data));
}
