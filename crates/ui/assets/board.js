// The board's island: one snapshot, then changes; filters and sorting without asking the server.

import { BoardData } from './board-data.js';
import { BoardTable } from './board-table.js';
import { BoardTiles } from './board-tiles.js';
import { subscribe } from './feed.js';
import { serverNow } from './frame.js';

/** Sorting anew while somebody reads would move rows away; it waits this long. */
const RESORT_AFTER_MS = 2000;
/** The problems beside are fetched at most this often. */
const PROBLEMS_EVERY_MS = 1000;

const box = /** @type {HTMLElement | null} */ (document.getElementById('board'));
const form = /** @type {HTMLFormElement | null} */ (document.getElementById('board-filter'));

/** @param {HTMLElement} box */
function start(box) {
  const words = (box.dataset.words ?? '').split('|');
  const tiles = /** @type {HTMLCanvasElement | null} */ (document.getElementById('tiles'));
  const table = /** @type {HTMLTableElement | null} */ (box.querySelector('table.cells'));
  const shown =
    tiles && box.dataset.view === 'tiles'
      ? new BoardTiles(tiles, box, words)
      : table && new BoardTable(table, box, words);
  if (!shown) return;
  /** @type {BoardData | undefined} */
  let data;
  /** @type {any[]} */
  let waiting = [];
  let loading = false;
  let resort = 0;

  const filter = () => {
    const fields = new FormData(form ?? undefined);
    const field = (/** @type {string} */ name) => String(fields.get(name) ?? '');
    return {
      text: field('q'),
      severity: field('severity'),
      onlyBad: field('bad') === '1',
      sort: field('sort'),
    };
  };
  const arrange = () => {
    resort = 0;
    if (!data) return;
    const wanted = filter();
    // On tiles every host keeps its place, so that people learn where things are.
    if (tiles && !wanted.sort) wanted.sort = 'name';
    const rows = data.rows(wanted);
    shown.show(data, rows);
    hide('board-first', data.size > 0);
    hide('board-none', data.size === 0 || rows.length > 0);
    tellShown(rows.length, data.only?.size ?? data.size);
  };
  const apply = (/** @type {any} */ change) => {
    const rows = data?.apply(change);
    if (rows === null) return void load();
    if (!rows || rows.size === 0) return;
    shown.refresh(rows);
    resort ||= window.setTimeout(arrange, RESORT_AFTER_MS);
  };
  const load = async () => {
    if (loading) return;
    loading = true;
    waiting = [];
    try {
      const answer = await fetch(box.dataset.snapshot ?? '', { cache: 'no-store' });
      if (!answer.ok) throw new Error(`snapshot: ${answer.status}`);
      const fresh = new BoardData(await answer.arrayBuffer());
      fresh.only = await members(box.dataset.members ?? '', fresh.size);
      data = fresh;
      arrange();
      performance.mark('board-live');
    } catch {
      // The server is away or busy: the table that came with the page stands; try again.
      setTimeout(load, 5000);
    } finally {
      loading = false;
    }
    // What arrived while the snapshot was on its way is older, or fits, or asks for another one.
    for (const change of waiting.splice(0)) apply(change);
  };
  subscribe(box.dataset.events ?? '', ['hello', 'cells', 'counts', 'problems', 'hosts'], {
    opened: load,
    event: (name, message) => {
      if (name === 'cells') loading ? waiting.push(message) : apply(message);
      if (name === 'hello' && data && message.generation !== data.generation) void load();
      if (name === 'hosts') void load();
      if (name === 'counts') showCounts(message);
      if (name === 'problems') refreshProblems(box.dataset.problems ?? '');
    },
  });
  watchFilter(arrange);
}

/**
 * The rows of the chosen host group; null for all.
 * @param {string} url @param {number} size rows of the snapshot they belong to
 * @returns {Promise<Set<number> | null>}
 */
async function members(url, size) {
  if (!url) return null;
  const answer = await fetch(url, { cache: 'no-store' });
  if (!answer.ok) throw new Error(`members: ${answer.status}`);
  const { hosts, rows } = await answer.json();
  if (hosts !== size) throw new Error('hosts came or went meanwhile');
  return new Set(rows);
}

/** @param {() => void} arrange */
function watchFilter(arrange) {
  if (!form) return;
  form.classList.add('live');
  form.addEventListener('input', () => {
    box?.scrollTo({ top: 0 });
    arrange();
    const query = new URLSearchParams();
    for (const [key, value] of new FormData(form)) if (value) query.set(key, String(value));
    const view = new URLSearchParams(location.search).get('view');
    if (view) query.set('view', view);
    history.replaceState(null, '', query.size ? `?${query}` : location.pathname);
  });
  form.addEventListener('submit', (event) => {
    if (event.submitter) event.preventDefault();
  });
}

/** @param {string} id @param {boolean} hidden */
function hide(id, hidden) {
  const element = document.getElementById(id);
  if (element) element.hidden = hidden;
}

/** @param {number} count @param {number} total */
function tellShown(count, total) {
  const element = document.getElementById('board-shown');
  const text = element?.dataset.text ?? '';
  if (element) {
    element.textContent = text
      .replace('{count}', count.toLocaleString('en'))
      .replace('{total}', total.toLocaleString('en'));
  }
}

/**
 * @param {{problems: number[]} & Record<string, any>} counts the data of a `counts` event
 */
function showCounts(counts) {
  for (const element of document.querySelectorAll('[data-count]')) {
    const count = counts.problems[Number(/** @type {HTMLElement} */ (element).dataset.count) - 1];
    const number = element.querySelector('b');
    if (number) number.textContent = count.toLocaleString('en');
    element.classList.toggle('none', count === 0);
  }
  for (const element of document.querySelectorAll('[data-beacon] [data-severity]')) {
    const count =
      counts.problems[Number(/** @type {HTMLElement} */ (element).dataset.severity) - 1];
    const number = element.querySelector('b');
    if (number) number.textContent = String(count);
    element.classList.toggle('none', count === 0);
  }
  const decided = counts.monitored + counts.ignored;
  const all = decided + counts.unregistered;
  const share = all > 0 ? `${Math.floor((decided / all) * 1000) / 10}%` : '–';
  for (const element of document.querySelectorAll('[data-fleet]')) {
    const key = /** @type {HTMLElement} */ (element).dataset.fleet ?? '';
    element.textContent = key === 'coverage' ? share : Number(counts[key]).toLocaleString('en');
  }
  const total = counts.problems.reduce((sum, count) => sum + count, 0);
  document.title = document.title.replace(/^(\(\d+\) )?/, total > 0 ? `(${total}) ` : '');
}

let problemsTimer = 0;

/** @param {string} url */
function refreshProblems(url) {
  problemsTimer ||= window.setTimeout(async () => {
    problemsTimer = 0;
    const list = document.getElementById('board-problems');
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok || !list) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    list.replaceChildren(...fresh.body.childNodes);
  }, PROBLEMS_EVERY_MS);
}

function wallClock() {
  const clock = document.getElementById('wall-clock');
  if (!clock) return;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeStyle: 'medium',
    timeZone: clock.dataset.zone,
  });
  setInterval(() => {
    clock.textContent = format.format(serverNow());
  }, 1000);
}

if (box?.dataset.snapshot) start(box);
wallClock();
