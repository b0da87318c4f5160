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

// Hides every secret control, and whatever else shows one of `secrets`; answers when that is drawn.
const mask = ({ secrets }) => new Promise((resolve) => {
  unmask();
  const pass = newPass();
  const shows = (value) => secrets.some((secret) => value.includes(secret));
  for (const root of documents()) {
    for (const control of query(root, 'input,textarea,select,[contenteditable]', pass)) {
      if (isSecret(control) || shows(control.value ?? '') || shows(control.placeholder ?? '')) hide(control);
    }
    if (secrets.length && shows(root.documentElement.textContent)) {
      const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) if (shows(walk.currentNode.data) && walk.currentNode.parentElement) hide(walk.currentNode.parentElement);
    }
  }
  if (!masks.length) return resolve({ ok: 0 });
  nextFrame(() => resolve({ ok: masks.length }));
});

const unmask = () => {
  for (const animation of masks) animation.cancel();
  masks = [];
  return { ok: null };
};
