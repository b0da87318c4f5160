// Looking without touching: expectations, values, lists.

const expect = (question) => until(question, (pass) => {
  const found = theOne(question, pass);
  return found.wrong ?? { ok: { element: bounded(describe(found.element, pass) ?? '', 120) } };
});

// No visible match, in scopes that may be gone too.
const gone = (question) => until(question, (pass) => {
  let root = document;
  for (const index of question.within.keys()) {
    const found = findScope(question, index, root, pass);
    if (!found.visible.length) return { ok: null };
    if (found.visible.length > 1) return notOne(found, index, pass);
    root = inside(question, index, found.visible[0]);
  }
  const found = find(question.locator, root, pass);
  if (!found.visible.length) return { ok: null };
  return { again: () => ({ kind: 'still_there', matches: found.visible.slice(0, 20).map((element) => describe(element, newPass()) ?? '') }) };
});

const isBelow = (question, pass) => {
  let root = document;
  for (const index of question.within.keys()) {
    const [element] = findScope(question, index, root, pass).visible;
    if (!element) return false;
    root = inside(question, index, element);
  }
  return find(question.locator, root, pass).visible.length > 0;
};

// Whether there is a visible match now.
const isThere = (question) => until({ ...question, watch: [] }, (pass) => {
  return { ok: isBelow(question, pass) };
});

const isEnabled = (question) => until({ ...question, watch: [] }, (pass) => {
  const found = theOne(question, pass);
  if (found.wrong?.fail) return found.wrong;
  return { ok: !found.wrong && !isDisabled(found.element) };
});

// Which of several is visible first. Where one is in a frame, the driver asks for each by itself.
const firstOf = (question) => until(question, (pass) => {
  const index = question.targets.findIndex((target) => isBelow(target, pass));
  return index >= 0 ? { ok: index } : noneOf(question.targets[0], pass);
});

const appears = (question) => until(question, (pass) => (isBelow(question, pass) ? { ok: null } : noneOf(question, pass)));

const noneOf = (target, pass) => {
  const [part] = target.locator.slice(-1);
  return { again: () => ({ kind: 'not_found', at: null, scope: null, candidates: nearest(part, [document], newPass()) }) };
};

// Nothing but what is watched for.
const watched = (question) => until(question, () => ({ again: () => ({ kind: 'loading' }) }));

const fieldIs = (question) => until(question, (pass) => {
  const found = theOne(question, pass);
  if (found.wrong) return found.wrong;
  if (hasValue(found.element, question.text, pass)) return { ok: null };
  return unready(null, { what: 'value_differs', is: isSecret(found.element) ? '' : bounded(valueOf(found.element, pass), 200) });
});

const MOST_TEXT = 10_000;

// The text of an element, the value of a control, or an attribute; addresses are absolute.
const readOf = (element, what, pass) => {
  if (what.attribute) {
    const key = what.attribute.toLowerCase();
    if (!element.hasAttribute(key)) return null;
    const value = /^(href|src|action)$/.test(key) && typeof element[key] === 'string' ? element[key] : element.getAttribute(key);
    return bounded(value, MOST_TEXT);
  }
  if (isSecret(element)) return '';
  return bounded(isControl(element) && sortOf(element) !== 'radios' ? valueOf(element, pass) : textOf(element, pass), MOST_TEXT);
};

// The names of all that match, each once, one a line.
const namesOf = (elements, pass) => [...new Set(elements.map((element) => (isControl(element) && labelsOf(element, pass)[0])
  || accessibleName(element, pass) || textOf(element, pass)))].filter(Boolean).map((name) => `${name}\n`).join('');

const read = (question) => until(question, (pass) => {
  if (question.what.all) {
    const entered = enter(question, pass);
    return entered.wrong ?? { ok: namesOf(find(question.locator, entered.root, pass).visible, pass) };
  }
  const found = theOne(question, pass);
  return found.wrong ?? { ok: readOf(found.element, question.what, pass) };
});

const MOST_ROWS = 5000;

// All rows with their cells. What the rows are in must be there; the rows may be none.
const rows = (question) => until(question, (pass) => {
  const entered = enter(question, pass);
  if (entered.wrong) return entered.wrong;
  const all = find(question.locator, entered.root, pass).visible;
  const around = question.locator.slice(0, -1);
  if (around.length) {
    const found = find(around, entered.root, pass);
    if (!found.visible.length) return notOne(found, null, pass);
  }
  const out = [];
  for (const row of all.slice(0, MOST_ROWS)) {
    const values = [];
    for (const { locator, what } of question.cells) {
      const found = find(locator, row, pass).visible;
      if (what.all) {
        values.push(namesOf(found, pass));
        continue;
      }
      if (found.length > 1 && areOneLink(found)) found.length = 1;
      if (found.length > 1) return { fail: { kind: 'ambiguous_cell', cell: values.length, matches: found.slice(0, 20).map((element) => describe(element, pass) ?? '') } };
      values.push(found.length ? readOf(found[0], what, pass) : null);
    }
    out.push(values);
  }
  return { ok: out };
});

const text = ({ most }) => ({ ok: document.body ? bounded(textOf(document.body, newPass()), most) : '' });
