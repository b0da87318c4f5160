// For authors of connectors: what a locator matches now, elements marked on the page, and the best locator of an element.

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

// Locators as data, of the form of `src/locator.rs`.
const part = (kind, name, more) => ({ kind, name: name ? { exact: name } : null, has: [], is: [], nth: null, ...more });

// The ways to say which element it is by itself, the best first.
const ownParts = (element, pass) => {
  const parts = [];
  const say = (kind, name) => name && name.length <= 80 && parts.push(part(kind, name));
  if (isControl(element)) {
    for (const label of labelsOf(element, pass)) say('field', label);
    say('field', placeholderOf(element));
    say('field', accessibleName(element, pass));
  }
  const role = roleOf(element);
  if (role) say({ role }, nameFor(element, role, pass));
  if (element.hasAttribute('title')) say('title', element.getAttribute('title').trim());
  if (!role) say('text', textOf(element, pass));
  return parts;
};

const CONTAINERS = new Set(['dialog', 'alertdialog', 'region', 'navigation', 'form', 'group', 'radiogroup', 'table', 'grid', 'tabpanel', 'toolbar',
  'menu', 'listbox', 'banner', 'main', 'complementary', 'contentinfo', 'article', 'search']);
const LANDMARKS = new Set(['banner', 'main', 'complementary', 'contentinfo', 'navigation', 'search', 'dialog', 'alertdialog']);

// What it is inside of and that can be said, the nearest first.
const containersOf = (element, pass) => {
  const containers = [];
  for (let at = parentOf(element); at; at = parentOf(at)) {
    const role = roleOf(at);
    if (role === 'row') containers.push(...rowParts(at, element, pass));
    if (!CONTAINERS.has(role)) continue;
    const name = nameFor(at, role, pass);
    if (name && name.length <= 80) containers.push(part({ role }, name));
    else if (LANDMARKS.has(role)) containers.push(part({ role }, null));
  }
  return containers;
};

// The row, told by a cell that says whose row it is: an address before any other text.
const rowParts = (row, element, pass) => cellsOf(row).filter((cell) => !cell.contains(element))
  .map((cell) => textOf(cell, pass)).filter((text) => text && text.length <= 80)
  .sort((one, other) => Number(other.includes('@')) - Number(one.includes('@')))
  .map((text) => part({ role: 'row' }, null, { has: [[part({ role: 'cell' }, text)]] }));

const means = (locator, element, pass) => {
  const found = find(locator, document, pass).visible;
  return found.length === 1 && found[0] === element;
};

// The best locator that means this element and no other: by role and name, inside of what can be said, by test id, by id, by place.
const best = (element, pass) => {
  const own = ownParts(element, pass);
  const containers = containersOf(element, pass);
  const role = roleOf(element);
  const nameless = role ? [part({ role }, null)] : [];
  for (const it of own) if (means([it], element, pass)) return [it];
  for (const it of [...own, ...nameless]) {
    for (const container of containers) if (means([container, it], element, pass)) return [container, it];
  }
  for (const it of own) {
    for (const [at, inner] of containers.entries()) {
      for (const outer of containers.slice(at + 1)) if (means([outer, inner, it], element, pass)) return [outer, inner, it];
    }
  }
  const testId = element.getAttribute('data-testid');
  if (testId && means([part('testid', testId)], element, pass)) return [part('testid', testId)];
  for (const it of nameless) if (means([it], element, pass)) return [it];
  if (element.id && means([part('css', `#${CSS.escape(element.id)}`)], element, pass)) return [part('css', `#${CSS.escape(element.id)}`)];
  const last = own[0] ?? nameless[0] ?? part('css', element.localName);
  const index = find([last], document, pass).visible.indexOf(element) + 1;
  return index ? [{ ...last, nth: { index } }] : [last];
};

const INTERACTIVE = `${CONTROLS},button,a[href],summary,input[type=submit],input[type=button],input[type=reset],[role=button],[role=link],[role=tab],`
  + '[role=menuitem],[role=option]';
const TELLS = 'h1,h2,h3,[role=heading],table,[role=table],[role=grid],dialog,[role=dialog],[role=alertdialog],[role=alert],[role=status],output';

const about = (element, pass) => ({ element: bounded(describe(element, pass) ?? element.localName, 120), locator: best(element, pass) });

// The best locator of everything that can be used and of what tells where one is, as it is shown.
const locateAll = () => {
  const pass = newPass();
  const elements = query(document, `${INTERACTIVE},${TELLS}`, pass).filter((element) => isVisible(element, pass));
  return { ok: elements.slice(0, 500).map((element) => about(element, pass)) };
};

// The best locator of the one element that matches.
const locate = (question) => until(question, (pass) => {
  const found = theOne(question, pass);
  return found.wrong ?? { ok: about(found.element, pass) };
});

// What a person means who points at `element`: the control or link around it, where there is one.
const meant = (element) => closest(element, (at) => at.matches(INTERACTIVE)) ?? element;

// The element that a person clicks next. The click does nothing else.
const pickOne = () => new Promise((resolve) => {
  let marked = null;
  const unmark = () => {
    marked?.style.removeProperty('outline');
    marked?.style.removeProperty('outline-offset');
  };
  const at = (event) => meant(event.composedPath().find((node) => node instanceof Element) ?? document.body);
  const over = (event) => {
    unmark();
    marked = at(event);
    mark(marked);
  };
  const stop = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  const taken = (event) => {
    stop(event);
    unmark();
    const picked = about(at(event), newPass());
    window.removeEventListener('pointerover', over, true);
    for (const type of ['pointerdown', 'mousedown', 'pointerup', 'mouseup']) window.removeEventListener(type, stop, true);
    window.removeEventListener('click', taken, true);
    resolve({ ok: picked });
  };
  window.addEventListener('pointerover', over, true);
  for (const type of ['pointerdown', 'mousedown', 'pointerup', 'mouseup']) window.addEventListener(type, stop, true);
  window.addEventListener('click', taken, true);
});

Object.assign(globalThis.usher, { locate, locateAll, matches, pickOne, show });
