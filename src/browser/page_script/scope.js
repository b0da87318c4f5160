// From a question to the one element that it is about.

// `within`: each must match exactly one. Returns `{ root, scope }`, or what is wrong.
const enter = (question, pass) => {
  let root = document;
  for (const [index, locator] of question.within.entries()) {
    const found = find(locator, root, pass);
    const wrong = notOne(found, index, pass);
    if (wrong) return { wrong };
    root = found.visible[0];
    if (kindOf(locator[locator.length - 1]) === 'frame') root = documentOf(root) ?? root;
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
