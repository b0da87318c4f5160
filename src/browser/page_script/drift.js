// What apps do to their pages from one day to the next, done to one element: for authors who want to know whether a flow would notice.

const OTHERWISE = 'Otherwise';
const NAMED_BY_LABEL = new Set(['dialog', 'alertdialog', 'region', 'navigation', 'form', 'group', 'radiogroup', 'table', 'grid', 'tabpanel', 'menu', 'listbox',
  'banner', 'main', 'complementary', 'contentinfo', 'article', 'search', 'list']);

const rewriteTexts = (node) => {
  const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (walk.currentNode.data.trim()) walk.currentNode.data = OTHERWISE;
};

const rewriteAttributes = (element) => {
  for (const name of ['aria-label', 'title', 'alt', 'placeholder', 'data-testid', 'id', 'name', 'summary']) {
    if (element.hasAttribute(name)) element.setAttribute(name, OTHERWISE);
  }
  if (/^(button|submit|reset)$/.test(element.type) && element.localName === 'input') element.value = OTHERWISE;
};

const referred = (element, attribute) => (element.getAttribute(attribute) ?? '').split(/\s+/)
  .map((id) => id && element.getRootNode().getElementById?.(id)).filter(Boolean);

const DRIFTS = {
  // Another name, wherever it comes from.
  rename: (element) => {
    for (const label of [...(element.labels ?? []), ...referred(element, 'aria-labelledby')]) rewriteTexts(label);
    if (NAMED_BY_LABEL.has(roleOf(element))) {
      for (const label of element.querySelectorAll(':scope > caption, :scope > legend')) rewriteTexts(label);
    } else {
      if (!isControl(element)) rewriteTexts(element);
      for (const inner of element.querySelectorAll('*')) rewriteAttributes(inner);
    }
    rewriteAttributes(element);
  },
  // Another place: at the end of the page, outside of everything.
  move: (element) => {
    const part = /^(tr|td|th|tbody|thead|option|li)$/.test(element.localName) ? element.localName : null;
    let moved = element;
    if (part === 'tr' || part === 'tbody' || part === 'thead') {
      moved = document.createElement('table');
      moved.append(element);
    } else if (part === 'td' || part === 'th') {
      moved = document.createElement('table');
      moved.append(document.createElement('tr'));
      moved.firstChild.append(element);
    }
    document.body.append(moved);
  },
  hide: (element) => element.style.setProperty('display', 'none', 'important'),
  // A second one beside it, which is not the same.
  duplicate: (element) => {
    const copy = element.cloneNode(true);
    for (const link of [copy, ...copy.querySelectorAll('a')]) if (link.localName === 'a') link.setAttribute('href', '/otherwise');
    element.after(copy);
  },
  // Something over the whole page that nobody has declared. What is outside of a dialog that is modal would be behind it, and inert.
  cover: (element) => {
    const cover = document.createElement('div');
    cover.popover = 'manual';
    cover.style.cssText = 'position:fixed;inset:0;width:100vw;height:100vh;max-width:none;max-height:none;margin:0;border:0;background:#fff9';
    (element.closest('dialog[open]') ?? document.body).append(cover);
    cover.showPopover();
  },
};

// Does it to the element that the target is about, where it is there: `absent`, `drifted`, or `same` where the locator means the same element as
// before all the same.
const drift = ({ within, locator, how }) => {
  const pass = newPass();
  const found = theOne({ within, locator }, pass);
  if (found.wrong) return { ok: 'absent' };
  DRIFTS[how](found.element);
  if (how === 'cover') return { ok: 'drifted' };
  const again = theOne({ within, locator }, newPass());
  return { ok: !again.wrong && again.element === found.element ? 'same' : 'drifted' };
};

Object.assign(globalThis.usher, { drift });
