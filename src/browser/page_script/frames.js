// Ways through frames of other origins, whose documents only our world in them can see.

const MOST_FRAMES = 50;
const frames = new Map(); // Token → a frame that a question led into.
let frameTokens = 0;

// The answer to a question whose rest is for the world in a frame.
const goElsewhere = (elsewhere, question) => {
  if (!elsewhere.left) elsewhere.goOn([], elsewhere.rest, question.within.length);
  const guards = (question.guards ?? []).map((guard) => (guard.present && !question.framed ? guard : null));
  const broken = brokenGuard(guards, document, newPass());
  if (broken) return broken;
  frameTokens += 1;
  frames.set(frameTokens, elsewhere.frame);
  if (frames.size > MOST_FRAMES) frames.delete(frames.keys().next().value);
  return { fail: { kind: 'elsewhere', token: frameTokens, ...elsewhere.left } };
};

const frameElement = ({ token }) => frames.get(token) ?? null;

// Where a point of a frame's document is in this one, once the frame is still there and nothing covers it.
const through = (question) => {
  let before = null;
  const guards = (question.guards ?? []).map((guard) => (guard.present ? guard : null));
  return until(question, (pass, drawn) => {
    const frame = frames.get(question.token);
    if (!frame?.isConnected) return { ok: { place: 'gone' } };
    const [content, rect, offset] = [contentOf(frame), frame.getBoundingClientRect(), frameOffset(frame)];
    const still = drawn && before && sameBox(before, rect);
    before = rect;
    if (!still) return { ...unready(null, { what: 'moving' }), frame: true };
    const point = { x: content.x + question.x, y: content.y + question.y };
    const place = { x: point.x + offset.x, y: point.y + offset.y };
    if (!isInWindow(place)) return { ok: { place: 'outside' } };
    const cover = coveredBy(frame, point);
    if (cover) return unready(null, { what: 'covered', by: cover.by ? describe(cover.by, pass) ?? 'a frame' : 'nothing that is seen' });
    return brokenGuard(guards, document, pass) ?? { ok: { place: 'clear', ...place } };
  });
};

// Brings the held element to the middle of all windows that it is in.
const center = ({ token }) => {
  if (held?.token === token) held.element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  return { ok: null };
};
