// Text and visibility. A `pass` remembers what was computed during one look at the page.

const newPass = () => ({ texts: new Map(), visible: new Map(), names: new Map(), grids: new Map(), headings: new Map() });

// White space folded; glyphs of icon fonts (private use) are no text.
const fold = (text) => text.replace(/[\uE000-\uF8FF]/g, '').replace(/\s+/g, ' ').trim();

const bounded = (text, most) => (text.length > most ? text.slice(0, most).toWellFormed() + '…' : text.toWellFormed());

const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;

// The parent in the tree as it is shown: through slots and shadow roots.
const parentOf = (node) => {
  if (node.assignedSlot) return node.assignedSlot;
  const parent = node.parentNode;
  if (!parent) return null;
  return isElement(parent) ? parent : parent.host ?? null;
};

const closest = (element, test) => {
  for (let at = element; at; at = parentOf(at)) if (test(at)) return at;
  return null;
};

// The children as they are shown.
const childrenOf = (node) => {
  if (node.shadowRoot) return node.shadowRoot.childNodes;
  if (node.localName === 'slot') {
    const assigned = node.assignedNodes();
    if (assigned.length) return assigned;
  }
  return node.childNodes;
};

const hasArea = (element) => {
  for (const box of element.getClientRects()) if (box.width > 0 && box.height > 0) return true;
  return false;
};

// Rendered, not hidden by CSS, and with an area of its own or of something inside.
const isVisible = (element, pass) => {
  let known = pass.visible.get(element);
  if (known === undefined) {
    known = lookVisible(element, pass);
    pass.visible.set(element, known);
  }
  return known;
};

const lookVisible = (element, pass) => {
  if (element.localName === 'option' || element.localName === 'optgroup') {
    const select = element.closest('select');
    if (select && !element.hidden) return isVisible(select, pass);
  }
  if (element.localName === 'area') return true;
  if (!element.checkVisibility({ checkVisibilityCSS: true, contentVisibilityAuto: true })) {
    const style = getComputedStyle(element);
    if (style.display !== 'contents' && style.visibility === 'visible') return false;
    if (style.display === 'none') return false;
    return [...element.children].some((child) => isVisible(child, pass));
  }
  if (hasArea(element)) return true;
  return [...childrenOf(element)].some((child) =>
    isElement(child) ? isVisible(child, pass) : child.nodeType === Node.TEXT_NODE && hasTextArea(child));
};

const hasTextArea = (node) => {
  if (!node.data.trim()) return false;
  const range = document.createRange();
  range.selectNode(node);
  return hasArea(range);
};

const UNREAD = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'NOSCRIPT', 'HEAD', 'TITLE', 'IFRAME', 'OBJECT', 'SVG', 'svg', 'CANVAS', 'AUDIO', 'VIDEO']);
const VALUE_BUTTONS = new Set(['button', 'submit', 'reset']);

// The visible text inside, unfolded; a space stands at the edges of everything that is not inline.
const rawText = (element, pass) => {
  let known = pass.texts.get(element);
  if (known === undefined) {
    known = lookText(element, pass);
    pass.texts.set(element, known);
  }
  return known;
};

const lookText = (element, pass) => {
  if (UNREAD.has(element.tagName)) return '';
  if (element.localName === 'input') return VALUE_BUTTONS.has(element.type) ? ` ${element.value} ` : ' ';
  if (element.localName === 'textarea' || element.localName === 'select') return ' ';
  if (element.tagName === 'BR') return '\n';
  const style = getComputedStyle(element);
  if (style.display === 'none') return '';
  const shown = style.visibility === 'visible';
  let text = '';
  for (const child of childrenOf(element)) {
    if (child.nodeType === Node.TEXT_NODE) text += shown ? child.data : '';
    else if (isElement(child)) text += rawText(child, pass);
  }
  return style.display === 'inline' || style.display === 'contents' ? text : ` ${text} `;
};

// The text as a person reads it; of what is hidden, the text that it would show.
const textOf = (element, pass) => fold(isVisible(element, pass) ? rawText(element, pass) : element.textContent);

const squeeze = (text) => text.replace(/[\s\uE000-\uF8FF]+/g, '').toLowerCase();

// A test of names, and a cheap test that tells from all text inside whether the name can match at all.
const matcherOf = (name) => {
  if (!name) return { matches: () => true, possible: () => true };
  if (name.exact !== undefined) {
    const wanted = fold(name.exact);
    const squeezed = squeeze(wanted);
    return { matches: (text) => fold(text) === wanted, possible: (text) => squeeze(text).includes(squeezed) };
  }
  if (name.same !== undefined) {
    const wanted = fold(name.same).toLowerCase();
    const squeezed = squeeze(wanted);
    return { matches: (text) => fold(text).toLowerCase() === wanted, possible: (text) => squeeze(text).includes(squeezed) };
  }
  if (name.contains !== undefined) {
    const wanted = fold(name.contains).toLowerCase();
    const squeezed = squeeze(wanted);
    return { matches: (text) => fold(text).toLowerCase().includes(wanted), possible: (text) => squeeze(text).includes(squeezed) };
  }
  const flags = name.pattern.ignore_case ? 'i' : '';
  let pattern;
  try {
    pattern = new RegExp(name.pattern.regex, flags + 'u');
  } catch {
    pattern = new RegExp(name.pattern.regex, flags);
  }
  return { matches: (text) => pattern.test(fold(text)), possible: () => true };
};
