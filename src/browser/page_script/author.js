// For authors of connectors: what a locator matches now, and an element marked on the page.

// Every visible element that matches, in words; those that are only there and not seen are counted.
const matches = (question) => {
  const pass = newPass();
  const entered = enter(question, pass);
  if (entered.wrong) return { ok: { elements: [], hidden: 0, entered: false } };
  const found = find(question.locator, entered.root, pass);
  const elements = found.visible.slice(0, 20).map((element) => bounded(describe(element, pass) ?? 'frame', 120));
  return { ok: { elements, hidden: found.hidden.length, entered: true } };
};

// Marks the element that `ready` found, and lets presses through again.
const show = ({ token }) => {
  if (held?.token !== token) return { ok: null };
  held.armed = null;
  mark(held.receiver);
  return { ok: null };
};

const mark = (element) => {
  element.style.setProperty('outline', '3px solid #d4145a', 'important');
  element.style.setProperty('outline-offset', '3px', 'important');
};

Object.assign(globalThis.usher, { matches, show });
