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
  // What is out of view is not drawn, and nothing comes to rest there.
  if (question.action && !isInView(elsewhere.frame)) elsewhere.frame.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  frameTokens += 1;
  frames.set(frameTokens, elsewhere.frame);
  if (frames.size > MOST_FRAMES) frames.delete(frames.keys().next().value);
  return { fail: { kind: 'elsewhere', token: frameTokens, ...elsewhere.left } };
};

const frameElement = ({ token }) => frames.get(token) ?? null;

// Where a point of a frame's document is in this one, once the frame keeps still there, in view, and nothing covers it.
const through = (question) => {
  let before = null;
  const guards = (question.guards ?? []).map((guard) => (guard.present ? guard : null));
  return until(question, (pass, drawn) => {
    const frame = frames.get(question.token);
    if (!frame?.isConnected) return { ok: { place: 'gone' } };
    const rect = frame.getBoundingClientRect();
    const same = before && sameBox(before.rect, rect);
    before = { rect, frames: same ? before.frames + (drawn ? 1 : 0) : 0 };
    if (before.frames < 1) return { ...unready(null, { what: 'moving' }), frame: true };
    const place = placeIn(frame, question);
    if (!isInWindow(place)) {
      bringIntoView(frame, question);
      return { ...unready(null, { what: 'hidden' }), frame: true };
    }
    const content = contentOf(frame);
    const cover = coveredBy(frame, { x: content.x + question.x, y: content.y + question.y });
    if (cover) return unready(null, { what: 'covered', by: cover.by ? describe(cover.by, pass) ?? 'a frame' : 'nothing that is seen' });
    return brokenGuard(guards, document, pass) ?? { ok: { place: 'clear', ...place } };
  });
};

// A point of a frame's document in the window of this world.
const placeIn = (frame, { x, y }) => {
  const [content, offset] = [contentOf(frame), frameOffset(frame)];
  return { x: content.x + offset.x + x, y: content.y + offset.y + y };
};

// A frame that is larger than the window is scrolled to the point. Scrolling does not pass from a document to one of another origin
// around it, so each world does it for its own.
const bringIntoView = (frame, point) => {
  frame.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const place = placeIn(frame, point);
  if (!isInWindow(place)) scrollBy({ left: place.x - innerWidth / 2, top: place.y - innerHeight / 2, behavior: 'instant' });
};
