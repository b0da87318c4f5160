// Waiting: looks again whenever the page changes, until there is an answer or the time is over.

const waits = new Set();
// How often the document told of a change, since somebody began to look.
let changes = 0;
const wake = () => {
  changes += 1;
  waits.forEach((again) => again());
};
const observer = new MutationObserver(wake);
const observed = new WeakSet();
const WAKING = ['load', 'input', 'change', 'scroll', 'resize', 'focusin', 'transitionend', 'animationend', 'readystatechange', 'toggle', 'popstate', 'hashchange'];

// Changes below `root` (a document or an open shadow root) wake the waits.
const observe = (root) => {
  if (observed.has(root)) return;
  observed.add(root);
  observer.observe(root, { childList: true, subtree: true, attributes: true, characterData: true });
  for (const type of WAKING) root.addEventListener(type, wake, true);
};

// The next frame, or soon after where no frames are drawn.
const nextFrame = (run) => {
  let done = false;
  const once = (drawn) => {
    if (done) return;
    done = true;
    run(drawn);
  };
  requestAnimationFrame(() => once(true));
  setTimeout(() => once(false), 250);
};

// How often a page is looked at that does not say that it changed (styles by pointer, media, closed shadow roots), in milliseconds.
const UNTOLD = 300;

// `attempt(pass, drawn)` returns `{ ok }`, `{ fail }`, or `{ again }`: why not yet, as a function; with `frame` it wants the next frame
// whether or not the page changes. `drawn` says that it is called at the start of a frame.
const until = (question, attempt) => new Promise((resolve) => {
  let over = false;
  let scheduled = false;
  let why = null;
  const finish = (answer) => {
    over = true;
    waits.delete(schedule);
    clearTimeout(timer);
    clearInterval(interval);
    resolve(answer);
  };
  const guarded = (what) => {
    try {
      return what();
    } catch (error) {
      if (error instanceof Elsewhere) return goElsewhere(error, question);
      return { fail: { kind: 'script', message: bounded(String(error?.stack ?? error), 500) } };
    }
  };
  const run = (drawn) => {
    scheduled = false;
    if (over) return;
    if (document.readyState === 'loading') {
      why = () => ({ kind: 'loading' });
      return;
    }
    const pass = newPass();
    const outcome = guarded(() => {
      const outcome = attempt(pass, drawn);
      // Who only waits for the next frame is about to be met.
      if (!outcome.again || outcome.frame) return outcome;
      const index = (question.watch ?? []).findIndex((locator) => isSeen(locator, pass));
      return index < 0 ? outcome : { fail: { kind: 'watched', index } };
    });
    if (!outcome.again) return finish(outcome);
    why = outcome.again;
    if (outcome.frame) schedule();
  };
  const schedule = () => {
    if (scheduled || over) return;
    scheduled = true;
    nextFrame(run);
  };
  const timer = setTimeout(() => {
    run(false);
    if (!over) finish(guarded(() => ({ fail: why() })));
  }, question.timeout);
  const interval = setInterval(schedule, UNTOLD);
  waits.add(schedule);
  observe(document);
  run(false);
});
