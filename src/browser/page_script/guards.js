// What must hold at the moment of an action: the right tenant, the right account.

const escapeRegex = (text) => text.replace(/[.*+?^${}()|[\]\\\/]/g, '\\$&');
const WORD = '\\p{L}\\p{N}\\p{M}_@';
const JOINING = "[.+'&=\\-]+";

// Finds `text` where it is not part of a longer word or address: al@x.com is in neither pal@x.com nor al@x.com.au.
const wholeWord = (text) => {
  const inner = fold(text).split(' ').map(escapeRegex).join('\\s+');
  return new RegExp(`(?<![${WORD}])(?<![${WORD}]${JOINING})${inner}(?![${WORD}])(?!${JOINING}[${WORD}])`, 'giu');
};

const controlValues = (root, pass) => query(root, 'input:not([type=hidden]):not([type=password]),textarea,select', pass)
  .filter((control) => !isSecret(control) && isVisible(control, pass)).map((control) => valueOf(control, pass));

const readable = (root, pass) => {
  const top = isElement(root) ? root : root.body;
  return top ? [textOf(top, pass), ...controlValues(root, pass)] : [];
};

// The first guard that does not hold, as a failure; none when all do.
const brokenGuard = (guards, scope, pass) => {
  for (const [index, guard] of guards.entries()) {
    if (!guard) continue;
    if (guard.present) {
      const found = isSeen(guard.present.locator, pass) ? find(guard.present.locator, document, pass).visible : [];
      if (found.length !== 1) return guardFailure(index, found.length, found.map((element) => describe(element, pass)).join(', '));
      continue;
    }
    const texts = readable(guard.shown ? document : scope, pass);
    const patterns = (guard.shown ?? guard.identity).texts.filter((text) => text.trim()).map(wholeWord);
    if (!texts.some((text) => patterns.some((pattern) => text.search(pattern) >= 0))) return guardFailure(index, 0, texts.join(' '));
  }
  return null;
};

const guardFailure = (index, matches, seen) => ({ fail: { kind: 'guard', index, matches, seen: bounded(seen, 300) } });

// Whether all guards hold, once their scopes are there.
const holds = (question) => until(question, (pass) => {
  const entered = enter(question, pass);
  // What must be on the page was looked for by the world of the page.
  const guards = question.framed ? question.guards.map((guard) => (guard.present ? null : guard)) : question.guards;
  return entered.wrong ?? brokenGuard(guards, entered.root, pass) ?? { ok: null };
});
