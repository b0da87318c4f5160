// Secrets on the page: which controls hold one, and hiding them while a picture is taken.

const secretControls = new WeakSet();
// Names of what holds a password, a code or a token, word by word: `api_token`, `newPassword`, `csrfmiddlewaretoken`.
const SECRET_NAME = /(^|[^a-z])(pass(word|wd|code|phrase)?|pwd|pin|t?otp|secret|token|csrf|nonce|api[^a-z]?key|(auth|security|verification|mfa|2fa)[^a-z]?code)([^a-z]|$)|(token|password|secret|csrf)$/;
const isSecretName = (name) => !!name && SECRET_NAME.test(name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase());
const isSecret = (element) => secretControls.has(element) || (element.localName === 'input'
  && (element.type === 'password' || element.autocomplete === 'one-time-code'
    || (/^(text|tel|number|search|hidden)$/.test(element.type) && (isSecretName(element.name) || isSecretName(element.id)))));

const noteSecret = ({ token }) => {
  if (held?.token === token) secretControls.add(held.element);
  return { ok: null };
};

// Painting over is an animation that stands still: it changes neither the document nor its attributes, so the page cannot react.
const UNSEEN = ['transparent', 'transparent'];
const HIDING = { color: UNSEEN, webkitTextFillColor: UNSEEN, webkitTextStrokeColor: UNSEEN, caretColor: UNSEEN, textShadow: ['none', 'none'],
  textDecorationColor: UNSEEN };
const GONE = { opacity: [0, 0] };
let masks = [];

const hide = (element, how = HIDING) => {
  const animation = element.animate(how, { duration: 1, fill: 'forwards' });
  animation.finish();
  masks.push(animation);
};

// Everything that the connector says to be a secret.
const declared = (locators, pass) => {
  const found = locators.flatMap((locator) => {
    try {
      return find(locator, document, pass).visible;
    } catch {
      return [];
    }
  });
  return new Set(found);
};

const shownBy = (element, pass) => (isControl(element) ? String(element.value ?? '') : textOf(element, pass)).trim();

const documents = () => {
  const all = [document];
  for (const frame of document.querySelectorAll('iframe')) if (frame.contentDocument) all.push(frame.contentDocument);
  return all;
};

const TYPED_INTO = 'input,textarea,select,[contenteditable]';

// What tells this look of the page from another: what the document said of changes, and what stands in its controls, which changes in silence.
const look = (pass) => {
  let digest = 0;
  for (const root of documents()) {
    observe(root);
    for (const control of query(root, TYPED_INTO, pass)) {
      const state = `${control.value} ${control.checked} ${control.selectedIndex}`;
      for (let i = 0; i < state.length; i++) digest = (Math.imul(digest, 31) + state.charCodeAt(i)) | 0;
    }
  }
  return `${changes} ${digest}`;
};

const looks = () => ({ ok: look(newPass()) });

// What is never drawn, or is in dots when it is there at all and is not there, has nothing to hide.
const isNeverSeen = (control) => control.type === 'hidden' || (control.type === 'password' && control.value === '' && !control.placeholder);

// What the elements show that are never to be seen.
const secretsShown = (elements, pass) => [...elements].map((element) => shownBy(element, pass)).filter((text) => text.length >= 4);
const shownSecrets = ({ hidden }) => {
  const pass = newPass();
  return { ok: secretsShown(declared(hidden, pass), pass) };
};

// Hides every secret control, what the connector says to be secret, and whatever else shows one of `secrets`; answers with the look of the
// page when that is drawn, with what the declared ones show, and where there is a `page` to be kept, with the document as it is then, what
// `page.mark` is about marked.
const mask = ({ secrets, hidden, page }) => new Promise((resolve) => {
  unmask();
  const pass = newPass();
  const never = declared(hidden, pass);
  const shown = secretsShown(never, pass);
  const all = [...new Set([...secrets, ...shown])];
  never.forEach((element) => hide(element, GONE));
  const shows = (value) => all.some((secret) => value.includes(secret));
  for (const root of documents()) {
    for (const control of query(root, TYPED_INTO, pass)) {
      const holds = isSecret(control) || shows(control.value ?? '') || shows(control.placeholder ?? '');
      if (holds && !isNeverSeen(control)) hide(control);
    }
    if (all.length && shows(root.documentElement.textContent)) {
      const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) if (shows(walk.currentNode.data) && walk.currentNode.parentElement) hide(walk.currentNode.parentElement);
    }
  }
  const kept = page && window === top ? snapshot({ secrets: all, never, marked: markedBy(page.mark) }) : null;
  const answer = { ok: { hidden: masks.length, look: look(pass), shown, page: kept } };
  if (!masks.length) return resolve(answer);
  nextFrame(() => resolve(answer));
});

// The document as it is, without a picture of it: nothing is hidden on the page itself.
const pageAlone = ({ secrets, hidden, page }) => {
  const pass = newPass();
  const never = declared(hidden, pass);
  return { ok: page ? snapshot({ secrets: [...new Set([...secrets, ...secretsShown(never, pass)])], never, marked: markedBy(page.mark) }) : null };
};

const unmask = () => {
  for (const animation of masks) animation.cancel();
  masks = [];
  return { ok: null };
};
