// From a question to the one element that it is about.

// What the scope with that index matches below `root`.
const findScope = (question, index, root, pass) => {
  try {
    return find(question.within[index], root, pass);
  } catch (error) {
    if (error instanceof Elsewhere) error.goOn([error.rest, ...question.within.slice(index + 1)], question.locator, index);
    throw error;
  }
};

// Where to look on, inside the element that the scope with that index matched: in a frame, its document.
const inside = (question, index, element) => {
  if (kindOf(question.within[index].at(-1)) !== 'frame') return element;
  const inner = documentOf(element);
  if (inner) return inner;
  const elsewhere = new Elsewhere(element, []);
  elsewhere.goOn(question.within.slice(index + 1), question.locator, index + 1);
  throw elsewhere;
};

// `within`: each must match exactly one. Returns `{ root }`, or what is wrong.
const enter = (question, pass) => {
  let root = document;
  for (const index of question.within.keys()) {
    const found = findScope(question, index, root, pass);
    const wrong = notOne(found, index, pass);
    if (wrong) return { wrong };
    root = inside(question, index, found.visible[0]);
  }
  return { root };
};

// Links that are alike to the letter and lead to another page, such as "Next" above and below a list: whichever is taken is the same.
const areOneLink = (elements) => elements.every((one) => one.localName === 'a' && !!one.getAttribute('href')
  && !one.getAttribute('href').startsWith('#') && one.isEqualNode(elements[0]));

const notOne = (found, at, pass) => {
  if (found.visible.length > 1 && areOneLink(found.visible)) found.visible.length = 1;
  if (found.visible.length === 1) return null;
  if (found.visible.length > 1) {
    const matches = found.visible.slice(0, 20).map((element) => describe(element, pass) ?? 'frame');
    return { fail: { kind: 'ambiguous', at, matches } };
  }
  if (found.hidden.length) return unready(at, { what: 'hidden' }, found.hidden[0], found);
  return missing(at, found);
};

const scopeOf = (roots, pass) => (roots.length === 1 && roots[0] !== document ? describe(roots[0], pass) : null);

const missing = (at, found) => ({
  again: () => {
    const pass = newPass();
    return { kind: 'not_found', at, scope: scopeOf(found.roots, pass), candidates: nearest(found.part, found.roots, pass) };
  },
});

const unready = (at, why, element, found) => ({
  again: () => {
    const pass = newPass();
    return { kind: 'not_ready', at, why, scope: found ? scopeOf(found.roots, pass) : null, candidates: [] };
  },
});

// The one visible element that the question is about, as `{ element, scope }`, or what is wrong.
const theOne = (question, pass) => {
  const entered = enter(question, pass);
  if (entered.wrong) return entered;
  const found = find(question.locator, entered.root, pass);
  const wrong = notOne(found, null, pass);
  return wrong ? { wrong } : { element: found.visible[0], scope: entered.root };
};

// The file control that is meant: the element itself, that of a label, or the only one inside. Pages hide them behind something nicer,
// so it need not be visible.
const theFileControl = (question, pass) => {
  const entered = enter(question, pass);
  if (entered.wrong) return entered;
  const found = find(question.locator, entered.root, pass);
  const from = found.visible.length ? found.visible : found.hidden;
  const controls = new Set(from.flatMap((element) => {
    const own = element.matches(FILES) ? element : element.control;
    return own?.matches(FILES) ? [own] : query(element, FILES, pass);
  }));
  if (controls.size === 1) return { element: [...controls][0], scope: entered.root };
  if (controls.size) return { wrong: notOne({ visible: [...controls] }, null, pass) };
  return { wrong: from.length ? unready(null, { what: 'wrong_kind', is: describe(from[0], pass) ?? 'an element' }, null, found) : missing(null, found) };
};
