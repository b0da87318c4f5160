// Controls: which elements they are, how they are labelled, what their value is and how it is set.

const CONTROLS = 'input:not([type=hidden]):not([type=submit]):not([type=button]):not([type=reset]):not([type=image]),textarea,select,'
  + '[role=textbox],[role=searchbox],[role=combobox],[role=listbox],[role=spinbutton],[role=slider],[role=checkbox],[role=switch],'
  + '[role=radio],[contenteditable=""],[contenteditable=true],[contenteditable=plaintext-only]';
const RADIO_GROUPS = 'fieldset,[role=radiogroup],[role=group]';
const FILES = 'input[type=file]';
const RADIOS = 'input[type=radio],[role=radio]';

const isRadioGroup = (element) => element.matches(RADIO_GROUPS) && !!element.querySelector(RADIOS);
const isControl = (element) => element.matches(CONTROLS) || isRadioGroup(element);

// The texts of the labels that the page ties to it.
const labelsOf = (element, pass) => {
  const labels = [...(element.labels ?? [])].map((label) => textOf(label, pass));
  const tied = element.getAttribute('aria-labelledby');
  if (tied) {
    const root = element.getRootNode();
    const parts = tied.trim().split(/\s+/).map((id) => root.getElementById?.(id)).filter(Boolean);
    labels.push(fold(parts.map((part) => textOf(part, pass) || part.textContent).join(' ')));
  }
  if (element.hasAttribute('aria-label')) labels.push(fold(element.getAttribute('aria-label')));
  if (element.tagName === 'FIELDSET') {
    const legend = element.querySelector(':scope > legend');
    if (legend) labels.push(textOf(legend, pass));
  }
  return labels;
};

const placeholderOf = (element) => fold(element.getAttribute('placeholder') ?? element.getAttribute('aria-placeholder') ?? '');

const fieldMatches = (element, matcher, pass) =>
  labelsOf(element, pass).some(matcher.matches) || (placeholderOf(element) && matcher.matches(placeholderOf(element)))
  || matcher.matches(accessibleName(element, pass));

const isDisabled = (element) => element.matches(':disabled') || !!closest(element, (at) => at.getAttribute('aria-disabled') === 'true' || at.inert);
const isReadOnly = (element) => !!element.readOnly || element.getAttribute('aria-readonly') === 'true';
const isChecked = (element) => element.localName === 'input' ? element.checked : element.getAttribute('aria-checked') === 'true';

// What sort of control it is, for setting its value.
const sortOf = (element) => {
  if (element.localName === 'select') return 'select';
  if (isRadioGroup(element)) return 'radios';
  const role = explicitRole(element);
  if (element.localName === 'input') {
    if (element.type === 'checkbox') return 'check';
    if (element.type === 'radio') return 'radio';
    if (/^(date|time|datetime-local|month|week|color|range)$/.test(element.type)) return 'assign';
    if (element.type === 'file') return 'file';
    // A search field may suggest, and takes any text.
    if (role !== 'combobox' || element.type === 'search') return 'text';
    return element.readOnly ? 'combobox' : 'suggest';
  }
  if (element.localName === 'textarea' || element.isContentEditable) return 'text';
  if (role === 'checkbox' || role === 'switch') return 'check';
  if (role === 'radio') return 'radio';
  if (role === 'combobox' || role === 'listbox' || element.getAttribute('aria-haspopup') === 'listbox') return 'combobox';
  return 'other';
};

const isTyped = (element) => /^(input|textarea)$/.test(element.localName);
const checkedRadio = (group) => [...group.querySelectorAll(RADIOS)].find(isChecked);

// The value as a person would write it: an option's label, a checkbox as true or false.
const valueOf = (element, pass) => {
  switch (sortOf(element)) {
    case 'select': return [...element.selectedOptions].map((option) => fold(option.label)).join(', ');
    case 'check': case 'radio': return String(isChecked(element));
    case 'radios': {
      const radio = checkedRadio(element);
      return radio ? labelsOf(radio, pass)[0] ?? accessibleName(radio, pass) : '';
    }
    case 'combobox': return isTyped(element) ? element.value : textOf(element, pass);
    default: return isTyped(element) ? element.value : element.innerText.replace(/\n$/, '');
  }
};

const sameLines = (text) => text.replace(/\r\n?/g, '\n');
const hasValue = (element, wanted, pass) => {
  const value = valueOf(element, pass);
  const sort = sortOf(element);
  return sort === 'text' || sort === 'assign' ? sameLines(value) === sameLines(wanted) : fold(value) === fold(wanted);
};

// Sets a value where a person could not type it, and tells the page as if one had.
const tell = (element) => {
  element.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
  element.dispatchEvent(new Event('change', { bubbles: true }));
};
const assign = (element, value) => {
  element.focus();
  element.value = value;
  tell(element);
};
const choose = (select, label) => {
  select.focus();
  for (const option of select.options) option.selected = fold(option.label) === fold(label);
  tell(select);
};

// Types in the place of all that is there; whether the control had the focus for it. Focus and typing are one task: what the page
// does in its own time, such as focusing another control, comes before or after and never between.
const type = (element, text) => {
  element.focus({ preventScroll: true });
  const focused = element.getRootNode().activeElement;
  if (focused !== element && !(focused?.isContentEditable && focused.contains(element))) return false;
  if (typeof element.select === 'function') element.select();
  else element.ownerDocument.defaultView.getSelection().selectAllChildren(element);
  element.ownerDocument.execCommand(text ? 'insertText' : 'delete', false, text);
  return true;
};
