// Finding elements by locator. What a locator means is told in `connectors/REFERENCE.md`; its form is that of `src/locator.rs`.

const anyShadow = (pass) => {
  if (pass.shadow === undefined) {
    pass.shadow = false;
    for (const element of document.querySelectorAll('*')) {
      if (element.shadowRoot) {
        pass.shadow = true;
        observe(element.shadowRoot);
      }
    }
  }
  return pass.shadow;
};

// Everything below `root` that the selector matches, in the order in which it is shown, open shadow roots included.
const query = (root, selector, pass) => {
  if (!anyShadow(pass)) return [...root.querySelectorAll(selector)];
  const out = [];
  const walk = (node) => {
    for (const child of childrenOf(node)) {
      if (!isElement(child)) continue;
      if (child.matches(selector)) out.push(child);
      walk(child);
    }
  };
  walk(root);
  return out;
};

const kindOf = (part) => (typeof part.kind === 'string' ? part.kind : 'role');

const byAttribute = (attribute) => (root, part, matcher, pass) =>
  query(root, `[${attribute}]`, pass).filter((element) => matcher.matches(element.getAttribute(attribute)));

// Kind → the elements below `root` that match, visible or not.
const FINDERS = {
  role: (root, part, matcher, pass) => {
    const role = part.kind.role.toLowerCase();
    if (part.name && NAMED_BY_TEXT.has(role) && cannotHave(root, matcher, pass)) return [];
    return query(root, roleSelector(role), pass).filter((element) =>
      hasRole(element, role) && !isHiddenFromRoles(element) && (!part.name || nameMatches(element, role, matcher, pass)));
  },
  field: (root, part, matcher, pass) => query(root, `${CONTROLS},${RADIO_GROUPS}`, pass).filter((element) =>
    isControl(element) && !insideRadios(element, matcher, pass) && (!part.name || fieldMatches(element, matcher, pass))),
  label: (root, part, matcher, pass) => query(root, `${CONTROLS},${RADIO_GROUPS}`, pass).filter((element) =>
    isControl(element) && (!part.name || labelsOf(element, pass).some(matcher.matches))),
  placeholder: (root, part, matcher, pass) => query(root, '[placeholder],[aria-placeholder]', pass).filter((element) =>
    matcher.matches(placeholderOf(element))),
  text: (root, part, matcher, pass) => innermost(root, matcher, pass),
  title: byAttribute('title'),
  testid: byAttribute('data-testid'),
  column: (root, part, matcher, pass) => cellsUnder(root, matcher, pass),
  box: (root, part, matcher, pass) => boxesOf(root, part.has, pass),
  frame: (root, part, matcher, pass) => query(root, 'iframe,frame', pass).filter((frame) =>
    !part.name || ['title', 'name', 'aria-label'].some((key) => frame.hasAttribute(key) && matcher.matches(frame.getAttribute(key)))),
  css: (root, part, matcher, pass) => query(root, part.name.exact, pass),
  xpath: (root, part) => {
    const found = (root.ownerDocument ?? root).evaluate(part.name.exact, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    return Array.from({ length: found.snapshotLength }, (_, index) => found.snapshotItem(index)).filter(isElement);
  },
};

// Whether nothing inside can be named so by its text: a cheap look that spares the dear ones in each row of a long table.
const cannotHave = (root, matcher, pass) => isElement(root) && !anyShadow(pass) && !matcher.possible(root.textContent)
  && !root.querySelector(NAMING_PARTS);

// A group around a single control of the same name is not meant: only groups of radios are fields, and their radios are not.
const insideRadios = (element, matcher, pass) => {
  if (!element.matches(RADIOS)) return false;
  const group = closest(parentOf(element), (at) => at.matches(RADIO_GROUPS));
  return !!group && fieldMatches(group, matcher, pass);
};

// The innermost elements whose text matches; in a cell of a table, the cell itself may be it.
const innermost = (root, matcher, pass) => {
  const out = [];
  const visit = (element) => {
    if (UNREAD.has(element.tagName)) return false;
    if (!anyShadow(pass) && !matcher.possible(element.textContent) && !element.querySelector('input') && element.tagName !== 'INPUT') return false;
    let inside = false;
    for (const child of childrenOf(element)) if (isElement(child)) inside = visit(child) || inside;
    if (inside) return true;
    const text = textOf(element, pass);
    if (!text || !matcher.matches(text)) return false;
    out.push(element);
    // What is hidden does not stand for what is around it.
    return isVisible(element, pass);
  };
  for (const child of isElement(root) && root.matches(CELL) ? [root] : childrenOf(root)) if (isElement(child)) visit(child);
  return out;
};

// Tables. A cell's place counts the columns that cells before it span, and those that reach down from rows above.
const TABLE = 'table,[role=table],[role=grid],[role=treegrid]';
const ROW = 'tr,[role=row]';
const CELL = 'td,th,[role=cell],[role=gridcell],[role=columnheader],[role=rowheader]';
const cellsOf = (row) => [...row.querySelectorAll(CELL)].filter((cell) => cell.closest(ROW) === row);
const rowsOf = (table) => [...table.querySelectorAll(ROW)].filter((row) => row.closest(TABLE) === table);

const span = (cell, key) => Math.min(Math.max(Number(cell.getAttribute(key) ?? cell.getAttribute(`aria-${key}`)) || 1, 1), 1000);

// Row → its cells with the columns they take.
const gridOf = (table, pass) => {
  let grid = pass.grids.get(table);
  if (grid) return grid;
  grid = new Map();
  let reach = [];
  for (const row of rowsOf(table)) {
    const places = [];
    let column = 0;
    for (const cell of cellsOf(row)) {
      while (reach[column] > 0) column += 1;
      const width = span(cell, 'colspan');
      places.push({ cell, from: column, to: column + width });
      for (let at = column; at < column + width; at += 1) reach[at] = span(cell, 'rowspan');
      column += width;
    }
    reach = reach.map((left) => Math.max((left ?? 0) - 1, 0));
    grid.set(row, places);
  }
  pass.grids.set(table, grid);
  return grid;
};

const headingsOf = (table, pass) => {
  let headings = pass.headings.get(table);
  if (!headings) {
    headings = [...gridOf(table, pass).values()].flat().filter(({ cell }) => hasRole(cell, 'columnheader'));
    pass.headings.set(table, headings);
  }
  return headings;
};

const cellsUnder = (root, matcher, pass) => {
  const rows = isElement(root) && root.matches(ROW) ? [root] : query(root, ROW, pass);
  const out = [];
  for (const row of rows) {
    const table = row.closest(TABLE);
    if (!table) continue;
    const under = headingsOf(table, pass).filter(({ cell }) => matcher.matches(textOf(cell, pass)) || matcher.matches(accessibleName(cell, pass)));
    for (const place of gridOf(table, pass).get(row) ?? []) {
      if (hasRole(place.cell, 'columnheader')) continue;
      if (under.some((heading) => heading.from < place.to && place.from < heading.to)) out.push(place.cell);
    }
  }
  return out;
};

const pick = (elements, nth) => {
  const index = nth === 'first' ? 0 : nth === 'last' ? elements.length - 1 : nth.index - 1;
  return elements[index] ? [elements[index]] : [];
};

const matchPart = (root, part, pass) => {
  const found = FINDERS[kindOf(part)](root, part, matcherOf(part.name), pass);
  const among = part.is?.length ? found.filter((element) => part.is.every(({ state, holds }) => isIn(element, state) === holds)) : found;
  return part.has.length ? among.filter((element) => hasAll(element, part.has, pass)) : among;
};

const hasAll = (element, locators, pass) => locators.every((inner) => find(inner, element, pass).visible.length);

// The innermost elements below `root` that have all of `has` inside: around each of the first, as far out as is needed.
const boxesOf = (root, has, pass) => {
  const boxes = new Set();
  for (const first of find(has[0], root, pass).visible) {
    for (let at = parentOf(first); at && at !== root; at = parentOf(at)) {
      if (!hasAll(at, has, pass)) continue;
      boxes.add(at);
      break;
    }
  }
  return [...boxes].filter((box) => ![...boxes].some((other) => other !== box && closest(other, (at) => at === box)));
};

const LEVEL = /^h([1-6])$/;
const isIn = (element, state) => {
  switch (state) {
    case 'checked': return isChecked(element);
    case 'disabled': return isDisabled(element);
    case 'expanded': return element.getAttribute('aria-expanded') === 'true' || !!(element.localName === 'summary' ? element.parentElement : element).open;
    case 'selected': return element.localName === 'option' ? element.selected : element.getAttribute('aria-selected') === 'true';
    default: return Number(element.getAttribute('aria-level') ?? LEVEL.exec(element.localName)?.[1]) === state.level;
  }
};

// All that a locator matches below `root`: the visible ones, and the hidden ones where only those are.
// `part` is the part that failed, or the last, and `roots` is where it was looked for.
const find = (locator, root, pass) => {
  let roots = [root];
  for (let index = 0; ; index += 1) {
    const part = locator[index];
    const visible = [];
    const hidden = [];
    for (const element of new Set(roots.flatMap((from) => matchPart(from, part, pass)))) {
      (isVisible(element, pass) ? visible : hidden).push(element);
    }
    const chosen = part.nth ? pick(visible, part.nth) : visible;
    const last = index === locator.length - 1;
    if (!chosen.length || last) return { visible: chosen, hidden: last ? hidden : [], part, roots };
    roots = kindOf(part) === 'frame' ? chosen.map(documentOf) : chosen;
    if (roots.length === 1 && !roots[0]) throw new Elsewhere(chosen[0], locator.slice(index + 1));
    roots = roots.filter(Boolean);
  }
};

// Whether it is there now, as far as this world sees.
const isSeen = (locator, pass) => {
  try {
    return find(locator, document, pass).visible.length > 0;
  } catch (error) {
    if (error instanceof Elsewhere) return false;
    throw error;
  }
};

// Thrown where the way leads into a frame of another origin: the driver asks our world in that frame for the rest.
class Elsewhere {
  constructor(frame, rest) {
    [this.frame, this.rest] = [frame, rest];
  }

  // What is left of the question there, once it is known of which of its scopes `rest` is; `skipped` scopes are done with.
  goOn(within, locator, skipped) {
    this.left = { within, locator, skipped };
  }
}

// The document in a frame; none where it is of another origin.
const documentOf = (frame) => {
  const inner = frame.contentDocument;
  if (inner) observe(inner);
  return inner;
};
