'use strict';
// What the page does beyond being read: one step at a time, by keys too; the documents of the app only when they are looked at.
(() => {
  const main = document.querySelector('main[data-first]');
  if (!main) return;
  const steps = [...main.querySelectorAll('.step')];
  const links = steps.map((step) => main.querySelector(`.list a[href="#${step.id}"]`));
  const film = document.querySelector('.film');
  const frames = steps.map(() => null);
  let now = -1;

  const make = (name, about, ...children) => {
    const element = Object.assign(document.createElement(name), about);
    element.append(...children);
    return element;
  };

  // The document of a figure: it waits as text, of a step before this one where it was the same then.
  const documentOf = (figure) => {
    const kept = figure.dataset.of ? document.getElementById(figure.dataset.of) : figure.querySelector('noscript');
    const parsed = new DOMParser().parseFromString(kept?.textContent ?? '', 'text/html');
    return parsed.querySelector('iframe')?.getAttribute('srcdoc') ?? '';
  };

  // A frame that may do nothing. That is set before it has a document.
  const frameOf = (figure) => {
    const frame = make('iframe', { title: figure.querySelector('figcaption').textContent });
    frame.setAttribute('sandbox', '');
    frame.srcdoc = documentOf(figure);
    return frame;
  };

  // As wide as the page was, so that it looks as it did, and as small as it is shown.
  const unfold = (figure) => {
    if (!figure.classList.contains('page') || !figure.dataset.width || figure.querySelector('.scaled')) return;
    const [width, height] = [Number(figure.dataset.width), Number(figure.dataset.height)];
    const frame = frameOf(figure);
    const box = make('div', { className: 'scaled' }, frame);
    figure.append(box);
    const fit = () => {
      const scale = Math.min(1, box.clientWidth / width);
      frame.style.cssText = `width:${width}px;height:${height}px;transform:scale(${scale})`;
      box.style.height = `${Math.round(height * scale)}px`;
    };
    new ResizeObserver(fit).observe(box);
    fit();
  };

  const show = (views, figure) => {
    for (const view of views.querySelectorAll('.view')) view.classList.toggle('shown', view === figure);
    for (const button of views.querySelectorAll('.tabs [data-name]')) button.setAttribute('aria-pressed', String(button.dataset.name === figure.dataset.name));
    unfold(figure);
  };

  const pictureOf = (step) => step.querySelector('.view:not(.earlier) img');

  // A picture that stands with a step before this one.
  const fill = (image) => {
    const source = image.dataset.of && document.getElementById(image.dataset.of);
    if (!source || image.src) return;
    image.src = source.src;
    image.hidden = false;
    image.nextElementSibling?.remove();
  };

  const sheet = make('div', { className: 'sheet', tabIndex: 0 });
  const caption = make('span', {});
  const dialog = make('dialog', {}, make('form', { method: 'dialog' }, caption, make('button', { textContent: 'Close' })), sheet);
  document.body.append(dialog);
  dialog.addEventListener('close', () => sheet.replaceChildren());
  // Forms may not be sent anywhere, and this one is not.
  dialog.querySelector('form').addEventListener('submit', (event) => { event.preventDefault(); dialog.close(); });
  const enlarge = (figure) => {
    const image = figure.querySelector('img');
    caption.textContent = figure.querySelector('figcaption').textContent;
    sheet.replaceChildren(image ? make('img', { src: image.src, alt: image.alt }) : frameOf(figure));
    dialog.showModal();
  };

  const prepare = (step) => {
    if (step.dataset.ready) return;
    step.dataset.ready = 'yes';
    const views = step.querySelector('.views');
    const figures = [...views.querySelectorAll('.view')];
    figures.forEach((figure) => figure.querySelectorAll('img').forEach(fill));
    if (!figures.length) return;
    const tabs = make('div', { className: 'tabs' });
    for (const figure of figures) {
      const button = make('button', { type: 'button', textContent: figure.dataset.name });
      button.dataset.name = figure.dataset.name;
      button.addEventListener('click', () => show(views, figure));
      tabs.append(button);
      figure.querySelector('img')?.addEventListener('click', () => enlarge(figure));
    }
    const larger = make('button', { type: 'button', className: 'larger', textContent: 'Larger' });
    larger.addEventListener('click', () => enlarge(views.querySelector('.view.shown')));
    tabs.append(larger);
    views.prepend(tabs);
    views.classList.add('tabbed');
    show(views, figures[0]);
  };

  // Within its own box alone: the page stays where it is.
  const reveal = (box, item, along) => {
    if (!box || !item) return;
    const [from, to] = [item.getBoundingClientRect(), box.getBoundingClientRect()];
    if (along === 'y') {
      if (from.top < to.top || from.bottom > Math.min(to.bottom, innerHeight)) box.scrollTop += from.top - to.top - box.clientHeight / 3;
    } else if (from.left < to.left || from.right > to.right) box.scrollLeft += from.left - to.left - box.clientWidth / 3;
  };

  // The list ends where the window does, so that what is in it can be seen.
  const list = main.querySelector('.list');
  const bound = () => { list.style.maxHeight = `${innerHeight - Math.max(0, main.getBoundingClientRect().top)}px`; };
  addEventListener('scroll', bound, { passive: true });
  addEventListener('resize', bound);
  bound();

  const choose = (index, { focus = false, address = true } = {}) => {
    if (index < 0 || index >= steps.length) return;
    if (now >= 0) {
      steps[now].classList.remove('now');
      links[now].removeAttribute('aria-current');
      links[now].tabIndex = -1;
      frames[now]?.classList.remove('now');
    }
    now = index;
    prepare(steps[now]);
    steps[now].classList.add('now');
    links[now].setAttribute('aria-current', 'step');
    links[now].tabIndex = 0;
    frames[now]?.classList.add('now');
    reveal(list.scrollHeight > list.clientHeight ? list : list.querySelector('details'), links[now], 'y');
    reveal(film, frames[now], 'x');
    count.textContent = `${now + 1} of ${steps.length}`;
    back.disabled = now === 0;
    on.disabled = now === steps.length - 1;
    if (steps[now].getBoundingClientRect().top < 0) steps[now].scrollIntoView({ block: 'start' });
    if (address) history.replaceState(null, '', `#${steps[now].id}`);
    if (focus) links[now].focus({ preventScroll: true });
  };

  const back = make('button', { type: 'button', textContent: '‹ back' });
  const on = make('button', { type: 'button', textContent: 'next ›' });
  const count = make('span', {});
  count.setAttribute('aria-live', 'polite');
  back.addEventListener('click', () => choose(now - 1));
  on.addEventListener('click', () => choose(now + 1));
  const move = make('nav', { className: 'move' }, back, count, on);
  move.setAttribute('aria-label', 'From step to step');
  main.after(move);

  // The timeline: a small picture of each step that has one, which stands on the page once.
  const coming = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      coming.unobserve(target);
      const image = pictureOf(steps[Number(target.dataset.step)]);
      fill(image);
      target.prepend(make('img', { src: image.src, alt: '', decoding: 'async' }));
    }
  }, { root: film, rootMargin: '0px 400px' });
  steps.forEach((step, index) => {
    if (!pictureOf(step)) return;
    const frame = make('a', { href: `#${step.id}`, tabIndex: -1, title: links[index].textContent }, make('span', { textContent: links[index].querySelector('.n').textContent }));
    frame.dataset.step = String(index);
    frame.classList.toggle('bad', step.classList.contains('bad'));
    frames[index] = frame;
    film.append(frame);
    coming.observe(frame);
  });
  film.setAttribute('aria-hidden', 'true');
  film.hidden = !film.children.length;

  links.forEach((link) => { link.tabIndex = -1; });
  document.documentElement.classList.add('js');
  const indexOf = (hash) => steps.findIndex((step) => `#${step.id}` === hash);

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#step-"]');
    const index = link ? indexOf(link.getAttribute('href')) : -1;
    if (index < 0) return;
    event.preventDefault();
    choose(index, { focus: links.includes(link) });
    if (!main.contains(link) && !film.contains(link)) steps[index].scrollIntoView({ block: 'start' });
  });
  addEventListener('hashchange', () => choose(indexOf(location.hash)));

  const opened = indexOf(`#${main.dataset.first}`);
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const within = links.includes(document.activeElement) || document.activeElement === document.body;
    const vertical = within && ['ArrowDown', 'ArrowUp'].includes(event.key);
    const by = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1, ...(vertical ? { ArrowDown: 1, ArrowUp: -1 } : {}) }[event.key];
    if (by) choose(now + by, { focus: true });
    else if (event.key === 'f') choose(opened, { focus: true });
    else if (event.key === 'v') {
      const views = steps[now].querySelector('.views');
      const figures = [...views.querySelectorAll('.view')];
      const next = figures[(figures.findIndex((figure) => figure.classList.contains('shown')) + 1) % figures.length];
      if (next) show(views, next);
    } else return;
    event.preventDefault();
  });

  if (matchMedia('(max-width: 52rem)').matches) for (const details of document.querySelectorAll('.list details, .more')) details.open = false;
  const asked = indexOf(location.hash);
  choose(asked < 0 ? opened : asked, { focus: true, address: asked >= 0 });
})();
