// Elements in words: as locators that would find them.

const quote = (text) => `"${bounded(text, 80).replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;

const describe = (node, pass) => {
  if (!isElement(node)) return node.defaultView?.frameElement ? `frame ${quote(node.defaultView.frameElement.title || node.defaultView.frameElement.name)}` : null;
  if (isControl(node)) {
    const name = labelsOf(node, pass)[0] || placeholderOf(node) || accessibleName(node, pass);
    return name ? `field ${quote(name)}` : `css ${quote(cssOf(node))}`;
  }
  const role = roleOf(node);
  const name = role ? nameFor(node, role, pass) : '';
  if (role && name) return `${role} ${quote(name)}`;
  const text = textOf(node, pass);
  if (text && text.length <= 80) return `text ${quote(text)}`;
  return role ?? `css ${quote(cssOf(node))}`;
};

const nameFor = (element, role, pass) => (NAMED_BY_TEXT.has(role) ? textOf(element, pass) : roleName(element, role, pass));

const cssOf = (element) => element.localName + (element.id ? `#${element.id}` : '')
  + [...element.classList].slice(0, 3).map((name) => `.${name}`).join('');

// How alike two texts are, from 0 to 1: shared pairs of letters.
const likeness = (one, other) => {
  const pairs = (text) => new Set(Array.from({ length: Math.max(text.length - 1, 0) }, (_, at) => text.slice(at, at + 2).toLowerCase()));
  const [left, right] = [pairs(one), pairs(other)];
  if (!left.size || !right.size) return 0;
  let shared = 0;
  for (const pair of left) if (right.has(pair)) shared += 1;
  return (2 * shared) / (left.size + right.size);
};

const MOST_CANDIDATES = 8;
const MOST_LOOKED_AT = 400;

// The nearest to what a part of a locator looked for, as locators.
const nearest = (part, roots, pass) => {
  const wanted = part.name?.exact ?? part.name?.same ?? part.name?.contains ?? '';
  const all = (selector) => roots.flatMap((root) => query(root, selector, pass)).slice(0, MOST_LOOKED_AT).filter((element) => isVisible(element, pass));
  const kind = kindOf(part);
  let named = [];
  if (kind === 'role') {
    const role = part.kind.role.toLowerCase();
    named = all(roleSelector(role)).filter((element) => hasRole(element, role) && !isHiddenFromRoles(element))
      .map((element) => [role, nameFor(element, role, pass)]);
  } else if (kind === 'column') {
    named = headings(roots, pass).map((text) => ['column', text]);
  } else if (kind === 'text') {
    named = roots.flatMap((root) => innermost(root, { matches: (text) => likeness(text, wanted) > 0.4, possible: () => true }, pass))
      .slice(0, MOST_LOOKED_AT).map((element) => ['text', textOf(element, pass)]);
  } else if (kind === 'frame') {
    named = all('iframe').map((frame) => ['frame', frame.title || frame.name]);
  }
  let lines = named.map(([word, name]) => [name ? `${word} ${quote(name)}` : word, likeness(name, wanted)]);
  if (!lines.length) {
    const fields = all(CONTROLS).filter((element) => isControl(element));
    const others = /^(field|label|placeholder)$/.test(kind) && fields.length ? [] : all('button,a[href],[role=button],[role=link],[role=tab],[role=menuitem],h1,h2,h3,input[type=submit]');
    lines = [...fields, ...others].map((element) => describe(element, pass)).filter(Boolean).map((line) => [line, likeness(line, wanted)]);
  }
  const best = new Map(lines.sort((one, other) => other[1] - one[1]));
  return [...best.keys()].slice(0, MOST_CANDIDATES);
};

const headings = (roots, pass) => roots.flatMap((root) => {
  const table = isElement(root) ? root.closest(TABLE) ?? root.querySelector(TABLE) : root.querySelector(TABLE);
  return table ? headingsOf(table, pass).map(({ cell }) => textOf(cell, pass)) : [];
}).filter(Boolean);
