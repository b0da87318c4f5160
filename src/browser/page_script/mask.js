// Secrets on the page: which controls hold one, and hiding them while a picture is taken.

const secretControls = new WeakSet();
const isSecret = (element) => element.localName === 'input'
  && (element.type === 'password' || element.autocomplete === 'one-time-code' || secretControls.has(element)) || secretControls.has(element);

const noteSecret = ({ token }) => {
  if (held?.token === token) secretControls.add(held.element);
  return { ok: null };
};

// Painting over is an animation that stands still: it changes neither the document nor its attributes, so the page cannot react.
const UNSEEN = ['transparent', 'transparent'];
const HIDING = { color: UNSEEN, webkitTextFillColor: UNSEEN, webkitTextStrokeColor: UNSEEN, caretColor: UNSEEN, textShadow: ['none', 'none'],
  textDecorationColor: UNSEEN };
let masks = [];

const hide = (element) => {
  const animation = element.animate(HIDING, { duration: 1, fill: 'forwards' });
  animation.finish();
  masks.push(animation);
};

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

// What is in dots when it is there at all, and is not there, has nothing to hide.
const isEmptyPassword = (control) => control.type === 'password' && control.value === '' && !control.placeholder;

// Hides every secret control, and whatever else shows one of `secrets`; answers with the look of the page when that is drawn.
const mask = ({ secrets }) => new Promise((resolve) => {
  unmask();
  const pass = newPass();
  const shows = (value) => secrets.some((secret) => value.includes(secret));
  for (const root of documents()) {
    for (const control of query(root, TYPED_INTO, pass)) {
      const hides = isSecret(control) && !isEmptyPassword(control);
      if (hides || shows(control.value ?? '') || shows(control.placeholder ?? '')) hide(control);
    }
    if (secrets.length && shows(root.documentElement.textContent)) {
      const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) if (shows(walk.currentNode.data) && walk.currentNode.parentElement) hide(walk.currentNode.parentElement);
    }
  }
  const answer = { ok: { hidden: masks.length, look: look(pass) } };
  if (!masks.length) return resolve(answer);
  nextFrame(() => resolve(answer));
});

const unmask = () => {
  for (const animation of masks) animation.cancel();
  masks = [];
  return { ok: null };
};
