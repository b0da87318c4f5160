// The page as it is, as HTML that needs nothing else and does nothing: no scripts, no addresses of others, no secrets.

const MOST_SNAPSHOT = 3_000_000; // Characters; what is beyond them is left out.
const MOST_STYLE = 600_000;
const NOT_KEPT = new Set(['script', 'noscript', 'template', 'link', 'meta', 'base', 'object', 'embed', 'audio', 'video', 'source', 'track', 'style', 'title']);
const VOID = new Set(['area', 'br', 'col', 'hr', 'img', 'input', 'wbr']);
// Attributes of HTML that say how an element looks or what it is. Others may hold anything, tokens too.
const KEPT = new Set(['id', 'class', 'style', 'type', 'name', 'role', 'for', 'title', 'placeholder', 'alt', 'label', 'colspan', 'rowspan', 'scope', 'disabled',
  'readonly', 'required', 'open', 'hidden', 'dir', 'lang', 'width', 'height', 'size', 'rows', 'cols', 'multiple', 'tabindex', 'part', 'slot', 'start', 'summary']);
const SHORT_DATA = 16;
const STOOD = '••••••';

const escaped = (text) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

// What a snapshot is written into, what it must not show, and what it marks.
class Snapshot {
  constructor(about) {
    this.about = about;
    this.parts = [];
    this.length = 0;
    this.style = 0;
  }

  put(text) {
    this.length += text.length;
    this.parts.push(text);
  }

  get isFull() {
    return this.length > MOST_SNAPSHOT;
  }

  clean(text) {
    return this.about.secrets.reduce((text, secret) => text.replaceAll(secret, STOOD), text);
  }

  text(text) {
    this.put(escaped(this.clean(text)));
  }

  attribute(name, value) {
    this.put(` ${name}="${escaped(this.clean(value))}"`);
  }
}

// A style without what it would load.
const withoutAddresses = (style) => style.replace(/url\((?!["']?data:)[^)]*\)/g, 'none');

const sheetTexts = new WeakMap();

// The rules of a style sheet; none where it is another origin's.
const rulesOf = (sheet) => {
  try {
    const known = sheetTexts.get(sheet);
    const rules = sheet.cssRules;
    if (known && known.count === rules.length) return known.text;
    const text = withoutAddresses([...rules].map((rule) => rule.cssText).join('\n')
      .replace(/@import[^;]*;/g, ''))
      .replace(/<\/(?=style)/gi, '<\\/');
    sheetTexts.set(sheet, { count: rules.length, text });
    return text;
  } catch {
    return '';
  }
};

const putStyles = (root, out) => {
  for (const sheet of [...root.styleSheets, ...root.adoptedStyleSheets]) {
    const text = sheet.disabled ? '' : out.clean(rulesOf(sheet));
    if (!text || (out.style += text.length) > MOST_STYLE) continue;
    const media = sheet.media.mediaText;
    out.put(`<style${media ? ` media="${escaped(media)}"` : ''}>${text}</style>`);
  }
};

// What is in the top layer lies above everything, which no attribute says: a modal dialog with what it darkens, an open popover.
const topLayerStyle = (element) => {
  const box = element.getBoundingClientRect();
  return `position:fixed;inset:auto;left:${Math.round(box.left)}px;top:${Math.round(box.top)}px;width:${Math.round(box.width)}px;height:${Math.round(box.height)}px;margin:0;z-index:2147483647`;
};

const isModal = (element) => element.localName === 'dialog' && element.matches(':modal');
const isOpenPopover = (element) => element.hasAttribute('popover') && element.matches(':popover-open');

const putBackdrop = (element, out) => {
  const colour = getComputedStyle(element, '::backdrop').backgroundColor;
  out.put('<div');
  out.attribute('style', `position:fixed;inset:0;z-index:2147483647;background:${colour}`);
  out.put('></div>');
};

const isSvg = (element) => element.namespaceURI === 'http://www.w3.org/2000/svg';

const putAttributes = (element, out) => {
  const svg = isSvg(element);
  const isOnTop = !svg && (isModal(element) || isOpenPopover(element));
  for (const { name, value } of element.attributes) {
    if (/^on/.test(name) || /href$/.test(name)) continue;
    // Nothing opens a popover there: one that is open is none, and one that is not stays hidden.
    if (name === 'popover' && !svg && !isOnTop) out.put(' popover');
    if (name === 'style' && !svg) {
      out.attribute('style', withoutAddresses(isOnTop ? `${value};${topLayerStyle(element)}` : value));
      continue;
    }
    const isData = name.startsWith('data-') && (name === 'data-testid' || value.length <= SHORT_DATA);
    if (svg || KEPT.has(name) || isData || name.startsWith('aria-')) out.attribute(name, svg ? value.replace(/url\((?!#)[^)]*\)/g, 'none') : value);
  }
  // Where it leads, but for what may be a secret; and nobody is led there.
  if (element.localName === 'a' && element.hasAttribute('href')) {
    out.attribute('href', '#');
    out.attribute('data-leads-to', element.pathname ?? '');
  }
  if (isOnTop && !element.hasAttribute('style')) out.attribute('style', topLayerStyle(element));
  if (out.about.marked.has(element)) out.put(' data-usher-marked');
};

const putControl = (element, out) => {
  if (element.localName === 'input') {
    if (/^(checkbox|radio)$/.test(element.type)) out.put(element.checked ? ' checked' : '');
    else if (element.type === 'hidden') return;
    else out.attribute('value', isSecret(element) ? (element.value === '' ? '' : STOOD) : element.value);
  } else if (element.localName === 'option' && element.selected) {
    out.put(' selected');
  }
};

// A picture is a box of its size; what it shows is on the picture of the page.
const putBox = (element, out) => {
  const box = element.getBoundingClientRect();
  out.put(` style="display:inline-block;width:${Math.round(box.width)}px;height:${Math.round(box.height)}px;background:#8883"`);
  if (element.alt) out.attribute('title', element.alt);
};

const putNode = (node, out) => {
  if (out.isFull) return;
  if (node.nodeType === Node.TEXT_NODE) return out.text(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || NOT_KEPT.has(node.localName)) return;
  if (out.about.never.has(node)) return out.text(STOOD);
  if (/^(img|canvas|picture)$/.test(node.localName)) {
    out.put('<span');
    putBox(node, out);
    out.put('></span>');
    return;
  }
  if (node.localName === 'iframe') return putFrame(node, out);
  const name = node.localName;
  if (isModal(node)) putBackdrop(node, out);
  out.put(`<${name}`);
  putAttributes(node, out);
  putControl(node, out);
  out.put('>');
  if (VOID.has(name)) return;
  if (node.shadowRoot) {
    out.put('<template shadowrootmode="open">');
    putStyles(node.shadowRoot, out);
    node.shadowRoot.childNodes.forEach((child) => putNode(child, out));
    out.put('</template>');
  }
  if (name === 'textarea') out.text(isSecret(node) && node.value ? STOOD : node.value);
  else if (isSecret(node) && node.isContentEditable) out.text(STOOD);
  else node.childNodes.forEach((child) => putNode(child, out));
  out.put(`</${name}>`);
};

// A frame is a page of its own in it; of another origin's only the place is known.
const putFrame = (frame, out) => {
  out.put('<iframe sandbox');
  putBox(frame, out);
  const inner = documentOf(frame);
  if (inner?.documentElement) {
    const own = new Snapshot(out.about);
    own.length = out.length;
    putDocument(inner, own);
    out.attribute('srcdoc', own.parts.join(''));
  }
  out.put('></iframe>');
};

const putDocument = (root, out) => {
  out.put('<!doctype html><html');
  putAttributes(root.documentElement, out);
  out.put('><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'; img-src data:; font-src data:">');
  out.put('<title>');
  out.text(root.title);
  out.put('</title>');
  putStyles(root, out);
  out.put('<style>[data-usher-marked]{outline:3px solid #d4145a!important;outline-offset:3px!important}</style></head>');
  if (root.body) putNode(root.body, out);
  out.put('</html>');
};

// The elements that `target` is about, as far as they are here: what matches, else the innermost that it is to be inside of.
const markedBy = (target) => {
  if (!target) return new Set();
  let root = document;
  try {
    const pass = newPass();
    for (const index of target.within.keys()) {
      const scope = findScope(target, index, root, pass).visible;
      if (scope.length !== 1) return new Set(scope.length ? scope : root === document ? [] : [root]);
      root = inside(target, index, scope[0]);
    }
    const found = find(target.locator, root, pass);
    return new Set(found.visible.length ? found.visible : root === document || root.nodeType === Node.DOCUMENT_NODE ? [] : [root]);
  } catch {
    return new Set();
  }
};

const snapshot = (about) => {
  try {
    const out = new Snapshot(about);
    putDocument(document, out);
    return out.parts.join('');
  } catch {
    return null;
  }
};
