// Actions: readiness, the plan of what to send, and the check that the element receives it.

let held = null; // What the last readiness found: element, scope, guards, and what became of the event.
let tokens = 0;

// The place of a frame's document in the document that the frame is in.
const contentOf = (frame) => {
  const [box, style] = [frame.getBoundingClientRect(), getComputedStyle(frame)];
  return { x: box.left + frame.clientLeft + parseFloat(style.paddingLeft), y: box.top + frame.clientTop + parseFloat(style.paddingTop) };
};

// The place of an element's document in the document of this world.
const frameOffset = (element) => {
  let [x, y] = [0, 0];
  for (let view = element.ownerDocument.defaultView; view && view !== window && view.frameElement; view = view.parent) {
    const content = contentOf(view.frameElement);
    x += content.x;
    y += content.y;
  }
  return { x, y };
};

// The middle of the part of its first box that is inside the window, in the coordinates of its own document; none when outside.
const pointOf = (element) => {
  const view = element.ownerDocument.defaultView;
  const boxes = [...element.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
  for (const box of boxes) {
    const left = Math.max(box.left, 0);
    const right = Math.min(box.right, view.innerWidth);
    const top = Math.max(box.top, 0);
    const bottom = Math.min(box.bottom, view.innerHeight);
    if (right - left >= 1 && bottom - top >= 1) return { x: (left + right) / 2, y: (top + bottom) / 2 };
  }
  return null;
};

// Whether its point is in the window, and not only in that of the frame it is in.
const isInView = (element) => {
  const point = pointOf(element);
  if (!point) return false;
  const offset = frameOffset(element);
  return isInWindow({ x: point.x + offset.x, y: point.y + offset.y });
};
const isInWindow = ({ x, y }) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;

const deepest = (root, x, y) => {
  let hit = root.elementFromPoint(x, y);
  while (hit?.shadowRoot) {
    const inner = hit.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === hit) break;
    hit = inner;
  }
  return hit;
};

// Whether an event at `hit` is an event for `element`: it or its inside, or a label of it.
const receives = (element, hit) => {
  if (!hit) return false;
  return !!closest(hit, (at) => at === element) || [...(element.labels ?? [])].some((label) => closest(hit, (at) => at === label));
};

// What covers the element at the point; none when nothing does.
const coveredBy = (element, point) => {
  const hit = deepest(element.ownerDocument, point.x, point.y);
  if (!receives(element, hit)) return { by: hit };
  let at = { ...point };
  for (let view = element.ownerDocument.defaultView; view !== window && view.frameElement; view = view.parent) {
    const frame = view.frameElement;
    const content = contentOf(frame);
    at = { x: at.x + content.x, y: at.y + content.y };
    const outer = deepest(frame.ownerDocument, at.x, at.y);
    if (outer !== frame) return { by: outer };
  }
  return null;
};

// Whether what covers an element is, or is inside, something that the pointer is over, such as a menu that is open for as long.
const isHeldOpen = (by, element) => !!by && !!closest(by, (at) => at.matches(':hover') && !at.contains(element));

const sameBox = (one, other) => ['left', 'top', 'width', 'height'].every((key) => Math.abs(one[key] - other[key]) < 0.5);

const optionsOf = (select) => [...select.options].filter((option) => option.label.trim());
const noOption = (found, names) => ({ wrong: unready(null, { what: 'no_option', options: names.slice(0, 20).map((name) => quote(name)) }, null, found) });
const wrongKind = (element, pass) => ({ wrong: unready(null, { what: 'wrong_kind', is: describe(element, pass) }) });

const TRUE = /^(true|yes|on|1|checked)$/i;

// What to do with a control: `{ plan, on }`, where `on` is the element that the event is for.
const planFor = (element, action, pass) => {
  const sort = sortOf(element);
  switch (action.kind) {
    case 'click': case 'hover': case 'press': return { plan: action.kind, on: element };
    case 'upload': return sort === 'file' ? { plan: 'upload', on: element } : wrongKind(element, pass);
    case 'fill':
      if (sort === 'text' || sort === 'suggest') return planSet(element, 'text', action.text, pass);
      return sort === 'assign' ? planSet(element, sort, action.text, pass) : wrongKind(element, pass);
    case 'select': return /^(select|combobox|suggest|radios)$/.test(sort) ? planSet(element, sort, action.text, pass)
      : explicitRole(element) === 'combobox' || sort === 'other' ? { plan: 'open', on: element } : wrongKind(element, pass);
    case 'check': return sort === 'check' || sort === 'radio' ? planSet(element, sort, String(action.checked), pass) : wrongKind(element, pass);
    default: return planSet(element, sort, action.text, pass);
  }
};

const planSet = (element, sort, text, pass) => {
  switch (sort) {
    case 'text': return { plan: hasValue(element, text, pass) ? 'none' : 'type', on: element };
    case 'assign': return { plan: element.value === text ? 'none' : 'assign', on: element };
    case 'select': {
      const matching = optionsOf(element).filter((option) => fold(option.label) === fold(text));
      if (!matching.length) return noOption(null, optionsOf(element).map((option) => option.label));
      if (matching[0].disabled) return { wrong: unready(null, { what: 'disabled' }) };
      return { plan: hasValue(element, text, pass) ? 'none' : 'choose', on: element };
    }
    case 'check': case 'radio': return { plan: isChecked(element) === TRUE.test(text.trim()) ? 'none' : 'click', on: element };
    case 'radios': {
      const radios = [...element.querySelectorAll(RADIOS)];
      const nameOf = (radio) => labelsOf(radio, pass)[0] ?? accessibleName(radio, pass);
      const radio = radios.find((one) => fold(nameOf(one)) === fold(text));
      if (!radio) return noOption(null, radios.map(nameOf));
      return { plan: isChecked(radio) ? 'none' : 'click', on: radio };
    }
    case 'combobox': return { plan: hasValue(element, text, pass) ? 'none' : 'open', on: element };
    case 'suggest': return { plan: hasValue(element, text, pass) ? 'none' : 'suggest', on: element };
    default: return wrongKind(element, pass);
  }
};

// A checkbox or radio that is hidden behind its label is clicked through the label.
const touchable = (element, pass) => {
  if (isVisible(element, pass) && pointOf(element) && hasArea(element) && !coveredBy(element, pointOf(element))) return element;
  const label = [...(element.labels ?? [])].find((one) => isVisible(one, pass));
  return label && element.matches(RADIOS + ',input[type=checkbox]') ? label : element;
};

const hold = (element, receiver, scope, guards, question, plan) => {
  tokens += 1;
  held = { token: tokens, element, receiver, scope, guards, question, plan, down: null, broken: null };
};

// Pages draw elements anew as the pointer comes: where the held one is gone by that, the one that the question is about now takes its
// place.
const holdAnew = () => {
  const pass = newPass();
  const found = theOne(held.question, pass);
  if (found.wrong) return;
  const { plan, on } = planFor(found.element, held.question.action, pass);
  if (plan !== held.plan || isDisabled(on)) return;
  Object.assign(held, { element: on, receiver: plan === 'click' ? touchable(on, pass) : on, scope: found.scope });
};

// The element that is held under a token, for calls that need the element itself.
const heldElement = ({ token }) => (held?.token === token ? held.element : null);

// The passwords that were typed since the last click or key. Some pages empty their password field by a timer, when they have come to
// life; and while other fields make something else of a text, nobody does of a password: one that is not there any more was lost.
let passwords = [];
const MOST_LOST = 3;

// Types the passwords again that were lost; whether there was one.
const restorePasswords = (pass) => {
  const lost = passwords.filter(({ element, times }) => times < MOST_LOST && element.isConnected && !element.value
    && isVisible(element, pass) && !isDisabled(element));
  for (const one of lost) {
    one.times += 1;
    type(one.element, one.text);
  }
  return lost.length > 0;
};

// Waits until the action can be done, and says how. Nothing is changed, but for scrolling.
const ready = (question) => {
  let before = null;
  let firstFound = null;
  // What must be on the page is looked for by the world of the page.
  const guards = question.framed ? question.guards.map((guard) => (guard.present ? null : guard)) : question.guards;
  return until(question, (pass, drawn) => {
    const found = question.action.kind === 'upload' ? theFileControl(question, pass) : theOne(question, pass);
    if (found.wrong) return found.wrong;
    firstFound ??= performance.now();
    const planned = planFor(found.element, question.action, pass);
    if (planned.wrong) return planned.wrong;
    const { plan, on } = planned;
    const words = bounded(describe(found.element, pass) ?? '', 120);
    if (plan === 'none') return { ok: { plan, element: words, token: 0, x: 0, y: 0 } };
    if (plan !== 'hover' && isDisabled(on)) return unready(null, { what: 'disabled' });
    if (/^(type|assign|suggest)$/.test(plan) && isReadOnly(on)) return unready(null, { what: 'read_only' });
    if (plan === 'upload') {
      const broken = brokenGuard(guards, found.scope, pass);
      if (broken) return broken;
      hold(on, on, found.scope, guards, question, plan);
      return { ok: { plan, element: words, token: tokens, x: 0, y: 0 } };
    }
    const touched = plan === 'click' ? touchable(on, pass) : on;
    const still = stillAt(touched, before, drawn);
    before = still.box;
    if (still.wait) return { ...unready(null, { what: 'moving' }), frame: true };
    const point = pointOf(touched);
    const cover = coveredBy(touched, point);
    if (cover) {
      // What is stuck to an edge may cover what was scrolled to it.
      if (!before.centred) touched.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
      else if (question.may_leave && isHeldOpen(cover.by, touched)) return { ok: { plan: 'leave', element: words, token: 0, x: -1, y: -1 } };
      before.centred = true;
      const by = cover.by ? describe(cover.by, pass) ?? 'a frame' : 'nothing that is seen';
      return unready(null, { what: 'covered', by });
    }
    if (/^(click|press)$/.test(question.action.kind) && restorePasswords(pass)) return { ...unready(null, { what: 'moving' }), frame: true };
    const broken = brokenGuard(guards, found.scope, pass);
    if (broken) return broken;
    hold(on, touched, found.scope, guards, question, plan);
    if (plan === 'click') arm();
    if (plan === 'press') {
      passwords = [];
      on.focus({ preventScroll: true });
    }
    const offset = frameOffset(touched);
    const was = /^(type|assign|choose)$/.test(plan) && !isSecret(on) ? bounded(valueOf(on, pass), 200) : null;
    const waited = Math.round(performance.now() - firstFound);
    return { ok: { plan, element: words, was, token: tokens, waited, x: point.x + offset.x, y: point.y + offset.y } };
  });
};

// Whether the element is in view and has kept its place: since the call and over a frame where nothing is animated, over two otherwise.
const stillAt = (element, before, drawn) => {
  if (!isInView(element)) {
    element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    return { box: null, wait: true };
  }
  const rect = element.getBoundingClientRect();
  // Another element may have taken its place that is the one now: what counts is where it is.
  const same = !!before && sameBox(before, rect);
  const frames = same ? before.frames + (drawn ? 1 : 0) : 0;
  const box = { left: rect.left, top: rect.top, width: rect.width, height: rect.height, frames, centred: same && before.centred };
  const calm = element.ownerDocument.getAnimations().every((animation) => animation.playState !== 'running');
  return { box, wait: frames < (calm ? 1 : 2) };
};

// Whether what was found ready still is, at the moment of the event.
const stillHolds = () => {
  const pass = newPass();
  if (!held.element.isConnected) return 'gone';
  held.broken = brokenGuard(held.guards, held.scope, pass);
  return held.broken ? 'guard' : null;
};

// A press that comes this long after it was sent, in milliseconds, is from before the browser stood still: nobody waits for it any more, and
// what it was to do may have been done in another.
const LATE = 5000;

// The first press decides: one that is not for the element, or comes when a guard no longer holds, is kept from the page altogether.
const intercept = (event) => {
  if (!held || held.token !== held.armed || !event.isTrusted) return;
  if (held.down === null && performance.now() > held.late) held.down = 'missed';
  if (held.down === null && (event.type === 'pointerdown' || event.type === 'mousedown')) {
    const hit = event.composedPath()[0];
    if (!held.element.isConnected) holdAnew();
    held.down = receives(held.receiver, isElement(hit) ? hit : null) ? stillHolds() ?? 'received' : 'missed';
    if (held.down === 'missed') held.by = isElement(hit) ? describe(hit, newPass()) : null;
  }
  if (held.down !== 'received') {
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (event.type === 'pointerdown' || event.type === 'click') {
    // Between the look and the press, or while the button is down, the page may empty one too.
    restorePasswords(newPass());
    // What only ticks a box or chooses a role sends nothing.
    if (event.type === 'click' && held.question.action.kind === 'click') passwords = [];
  }
};
const watchPresses = (view) => {
  for (const type of ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'auxclick', 'dblclick']) view.addEventListener(type, intercept, true);
};
watchPresses(window);

// From now on presses are meant for the held element.
const arm = () => {
  held.armed = held.token;
  held.late = performance.now() + LATE;
  const view = held.element.ownerDocument.defaultView;
  if (view !== window) watchPresses(view);
};

// After the events: what became of them. The answer waits for what they started in this document.
const verdict = ({ token }) => new Promise((resolve) => {
  setTimeout(() => {
    if (held?.token !== token) return resolve({ ok: { press: 'received' } });
    held.armed = null;
    if (held.down === 'guard') return resolve(held.broken);
    resolve({ ok: { press: held.down ?? 'missed', by: held.by ?? null } });
  }, 0);
});

// Gives a control its value.
const apply = ({ token, plan, text }) => {
  if (held?.token !== token) return { ok: { press: 'gone' } };
  const wrong = stillHolds();
  if (wrong === 'guard') return held.broken;
  if (wrong) return { ok: { press: wrong } };
  held.before = valueOf(held.element, newPass());
  if (plan === 'type' && !type(held.element, text)) return { ok: { press: 'missed' } };
  if (plan === 'type' && held.element.type === 'password' && text) {
    passwords = passwords.filter(({ element }) => element !== held.element);
    passwords.push({ element: held.element, text, times: 0 });
  }
  if (plan === 'choose') choose(held.element, text);
  if (plan === 'assign') assign(held.element, text);
  return { ok: { press: 'received' } };
};

// Whether the held control has the value, waiting as long as `timeout` says. With `again`, what has the value from before has lost what
// was typed, as pages do that come to life late: nothing was received.
const verify = (question) => {
  const element = held?.token === question.token ? held.element : null;
  if (!element || !element.isConnected) return { ok: { press: 'gone' } };
  return until(question, (pass) => {
    const wanted = question.checked;
    const same = wanted === undefined ? hasValue(element, question.text, pass) : isChecked(element) === wanted;
    if (same) return { ok: { press: 'received' } };
    if (question.again && valueOf(element, pass) === held.before) return { ok: { press: 'missed' } };
    return unready(null, { what: 'value_differs', is: question.secret || isSecret(element) ? '' : bounded(valueOf(element, newPass()), 200) });
  });
};

// Gives the held file control a file that the machine of the browser does not have. Whether it is there to take it.
const giveFile = ({ token, name, type, data }) => {
  if (held?.token !== token || !held.element.isConnected) return { ok: false };
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name, { type }));
  held.element.files = transfer.files;
  for (const kind of ['input', 'change']) held.element.dispatchEvent(new Event(kind, { bubbles: true, composed: kind === 'input' }));
  return { ok: true };
};

// A file that the page has made itself, in Base64.
const madeFile = async ({ url, most }) => {
  const blob = await fetch(url).then((answer) => answer.blob()).catch(() => null);
  if (!blob) return { ok: 'gone' };
  if (blob.size > most) return { ok: 'too_long' };
  const reader = new FileReader();
  await new Promise((resolve) => {
    reader.onloadend = resolve;
    reader.readAsDataURL(blob);
  });
  return { ok: reader.result === null ? 'gone' : { file: reader.result.slice(reader.result.indexOf(',') + 1) } };
};
