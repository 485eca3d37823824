// Keeps every page current beside the board: the beacon, and the parts that a page marks as live.

import { subscribe } from './feed.js';

/** A page asks for itself again at most this often, in milliseconds. */
const EVERY_MS = 700;
/** The board's stream also says when problems changed. */
const STREAM = '/board/events';

/** @param {{problems: number[]}} counts the data of a `counts` event */
function showBeacon(counts) {
  for (const element of document.querySelectorAll('[data-beacon] [data-severity]')) {
    const severity = Number(/** @type {HTMLElement} */ (element).dataset.severity);
    const count = counts.problems[severity - 1];
    const number = element.querySelector('b');
    if (number) number.textContent = String(count);
    element.classList.toggle('none', count === 0);
  }
}

/**
 * Whether somebody is at work in this part, so that it must not change under the hand.
 * @param {Element} part
 */
function isBusy(part) {
  const selected = getSelection();
  const marked = selected && !selected.isCollapsed && part.contains(selected.anchorNode);
  const typing = part.contains(document.activeElement) && document.activeElement !== part;
  const picked = part.querySelector('td.pick input:checked') !== null;
  const open = part.querySelector('.act details[open]') !== null;
  return Boolean(marked || typing || picked || open);
}

let timer = 0;
/** Events that came while the page was not looked at. */
let missed = false;

async function refresh() {
  timer = 0;
  const parts = document.querySelectorAll('[data-live]');
  if (parts.length === 0) return;
  if (document.hidden) {
    missed = true;
    return;
  }
  const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of parts) {
    const name = /** @type {HTMLElement} */ (part).dataset.live;
    const next = fresh.querySelector(`[data-live="${name}"]`);
    if (!next || isBusy(part)) continue;
    if (next.textContent !== part.textContent) part.replaceWith(document.adoptNode(next));
  }
}

function soon() {
  timer ||= window.setTimeout(refresh, EVERY_MS);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden || !missed) return;
  missed = false;
  soon();
});

let wasOpen = false;
subscribe(STREAM, ['counts', 'problems'], {
  opened() {
    // What happened while the stream was broken is unknown.
    if (wasOpen) soon();
    wasOpen = true;
  },
  event(name, data) {
    if (name === 'counts') showBeacon(data);
    if (name === 'problems') soon();
  },
});
