// ARIA roles and accessible names. Which elements have a role by themselves: "ARIA in HTML" (W3C), section 4.

const inSection = (element) => closest(parentOf(element), (at) => /^(ARTICLE|ASIDE|MAIN|NAV|SECTION)$/.test(at.tagName));
const isNamed = (element) => element.hasAttribute('aria-label') || element.hasAttribute('aria-labelledby') || element.hasAttribute('title');
const inGrid = (element) => closest(element, (at) => /^(grid|treegrid)$/.test(at.getAttribute('role') ?? ''));
const isRowHeader = (th) => /^row/.test(th.getAttribute('scope') ?? '')
  || (!th.hasAttribute('scope') && !th.closest('thead') && !!th.parentElement?.querySelector(':scope > td'));
const isList = (select) => select.multiple || select.size > 1;
const TEXT_TYPES = 'input:not([type]),input[type=text],input[type=email],input[type=tel],input[type=url],input[type=""]';
const isPlain = (input) => !input.list && /^(text|email|tel|url)$/.test(input.type);

// Role → selector of the elements that have it by themselves, and what they must fulfil.
const IMPLICIT = {
  alert: [], article: ['article'], banner: ['header', (e) => !inSection(e)], blockquote: ['blockquote'],
  button: ['button,summary,input[type=button],input[type=submit],input[type=reset],input[type=image],input[type=file]'],
  caption: ['caption'], cell: ['td'], checkbox: ['input[type=checkbox]'], code: ['code'],
  columnheader: ['th', (e) => !isRowHeader(e)],
  combobox: [`select,${TEXT_TYPES},input[type=search]`, (e) => (e.tagName === 'SELECT' ? !isList(e) : !!e.list)],
  complementary: ['aside'], contentinfo: ['footer', (e) => !inSection(e)], definition: ['dd'],
  dialog: ['dialog'], document: ['html'], emphasis: ['em'], figure: ['figure'], form: ['form'],
  grid: [], gridcell: ['td', inGrid], group: ['fieldset,details,optgroup'], heading: ['h1,h2,h3,h4,h5,h6'],
  img: ['img', (e) => e.getAttribute('alt') !== ''], image: ['img', (e) => e.getAttribute('alt') !== ''],
  insertion: ['ins'], deletion: ['del'], link: ['a[href],area[href]'], list: ['ul,ol,menu'], listbox: ['select', isList],
  listitem: ['li'], main: ['main'], math: ['math'], meter: ['meter'], navigation: ['nav'], option: ['option'],
  paragraph: ['p'], progressbar: ['progress'], radio: ['input[type=radio]'], region: ['section', isNamed], row: ['tr'],
  rowgroup: ['tbody,thead,tfoot'], rowheader: ['th', isRowHeader], search: ['search'],
  searchbox: ['input[type=search]', (e) => !e.list], separator: ['hr'], slider: ['input[type=range]'],
  spinbutton: ['input[type=number]'], status: ['output'], strong: ['strong'], subscript: ['sub'], superscript: ['sup'],
  switch: ['input[type=checkbox][switch]'], table: ['table'], term: ['dt,dfn'],
  textbox: [`textarea,${TEXT_TYPES},input[type=password],[contenteditable=""],[contenteditable=true],[contenteditable=plaintext-only]`,
    (e) => e.tagName !== 'INPUT' || e.type === 'password' || isPlain(e)],
  time: ['time'],
};

// Roles that an author means too when saying the key.
const ALSO = { cell: ['gridcell', 'rowheader'], dialog: ['alertdialog'], img: ['image'], image: ['img'], table: ['grid', 'treegrid'] };

const explicitRole = (element) => element.getAttribute('role')?.trim().split(/\s+/)[0].toLowerCase() || null;

const hasOwnRole = (element, role) => {
  const entry = IMPLICIT[role];
  return !!entry?.[0] && element.matches(entry[0]) && (!entry[1] || !!entry[1](element));
};

const hasRole = (element, role) => {
  const explicit = explicitRole(element);
  if (explicit) return explicit === role || !!ALSO[role]?.includes(explicit);
  return hasOwnRole(element, role) || !!ALSO[role]?.some((other) => hasOwnRole(element, other));
};

const roleSelector = (role) => {
  const parts = [`[role~="${CSS.escape(role)}" i]`];
  for (const one of [role, ...(ALSO[role] ?? [])]) {
    if (one !== role) parts.push(`[role~="${CSS.escape(one)}" i]`);
    if (IMPLICIT[one]?.[0]) parts.push(IMPLICIT[one][0]);
  }
  return parts.join(',');
};

// The role for descriptions: the most telling one first.
const TELLING = ['button', 'link', 'checkbox', 'switch', 'radio', 'option', 'tab', 'menuitem', 'heading', 'dialog', 'alert', 'status',
  'columnheader', 'cell', 'row', 'table', 'combobox', 'listbox', 'searchbox', 'spinbutton', 'slider', 'textbox', 'img', 'listitem', 'list',
  'navigation', 'main', 'banner', 'contentinfo', 'complementary', 'region', 'form', 'group', 'article', 'paragraph'];
const roleOf = (element) => {
  if (hasRole(element, 'cell')) return 'cell';
  return explicitRole(element) ?? TELLING.find((role) => hasOwnRole(element, role)) ?? null;
};

const isHiddenFromRoles = (element) => !!closest(element, (at) => at.getAttribute('aria-hidden') === 'true');

const accessibleName = (element, pass) => {
  let known = pass.names.get(element);
  if (known === undefined) {
    const label = element.localName === 'option' && element.getAttribute('label');
    known = fold(label || accessibility.computeAccessibleName(element, { hidden: !isVisible(element, pass) })) || placeholderOf(element);
    pass.names.set(element, known);
  }
  return known;
};

// Roles whose text an author takes for their name, beside a name that the page gives them.
const NAMED_BY_TEXT = new Set(['alert', 'status', 'log', 'timer', 'note', 'cell', 'gridcell', 'rowheader', 'columnheader', 'row', 'listitem',
  'paragraph', 'term', 'definition', 'tooltip', 'caption', 'blockquote', 'code', 'time', 'strong', 'emphasis', 'article', 'insertion',
  'deletion']);
const CELLS = /cell|header$/;
const NAMING_PARTS = '[aria-label],[aria-labelledby],[title],[alt],[label],[value],input,select,textarea,svg';
const FROM_CONTENT = new Set(['button', 'link', 'heading', 'option', 'tab', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'treeitem']);

// Whether the element's name in this role passes; the cheap test comes first, as computing names is dear.
const nameMatches = (element, role, matcher, pass) => {
  if (NAMED_BY_TEXT.has(role)) {
    if (matcher.possible(element.textContent) && matcher.matches(textOf(element, pass))) return true;
    // The name of a cell leaves out what is for eyes only, such as the arrow of a sorted column.
    const named = isNamed(element) || (CELLS.test(role) && element.querySelector(`[aria-hidden=true],${NAMING_PARTS}`));
    return named && matcher.matches(accessibleName(element, pass));
  }
  if (FROM_CONTENT.has(role) && !matcher.possible(element.textContent) && !element.shadowRoot
    && !element.matches(NAMING_PARTS) && !element.querySelector(NAMING_PARTS + ',slot')
    && !element.labels?.length && getComputedStyle(element, '::before').content === 'none') return false;
  return matcher.matches(roleName(element, role, pass));
};

// A dialog without a name is known by its first heading.
const roleName = (element, role, pass) => {
  const name = accessibleName(element, pass);
  if (name || !/^(dialog|alertdialog)$/.test(role)) return name;
  const heading = element.querySelector('h1,h2,h3,h4,h5,h6,[role=heading]');
  return heading ? textOf(heading, pass) : '';
};
