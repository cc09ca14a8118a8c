// As little of a page as a card needs: elements by name, each with text, classes and a style.

class Element {
  constructor() {
    Object.assign(this, { textContent: "", style: {}, hidden: true, dataset: {}, children: [], inside: new Map() });
    this.classes = new Set();
    this.classList = {
      toggle: (name, on) => (on ? this.classes.add(name) : this.classes.delete(name)),
      contains: (name) => this.classes.has(name),
    };
  }

  querySelector(selector) {
    if (!this.inside.has(selector)) this.inside.set(selector, new Element());
    return this.inside.get(selector);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  append(...children) {
    this.children.push(...children);
  }

  setAttribute(name, value) {
    this[name] = value;
  }

  remove() {
    this.removed = true;
  }
}

export function makeSlot(id) {
  const slot = new Element();
  slot.querySelector(".pass").dataset.card = id;
  return slot;
}

export const makeElement = () => new Element();

globalThis.document ??= { createElementNS: () => new Element() };
