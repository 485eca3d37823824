// Subscribes to server-sent events, through the shared worker where the browser has one.

import { showOffline } from './frame.js';

/** How long a stream may be broken before the page says so, in milliseconds. */
const LOST_AFTER_MS = 3000;

/**
 * @typedef {object} Listener
 * @property {() => void} opened The stream is (again) open: what was missed is unknown.
 * @property {(name: string, data: any) => void} event
 */

/**
 * Subscribes to the events `names` of `url`.
 * @param {string} url
 * @param {string[]} names
 * @param {Listener} listener
 */
export function subscribe(url, names, listener) {
  let timer = 0;
  const opened = () => {
    clearTimeout(timer);
    timer = 0;
    showOffline(false);
    listener.opened();
  };
  const lost = () => {
    timer ||= window.setTimeout(() => showOffline(true), LOST_AFTER_MS);
  };
  const absolute = new URL(url, location.href).href;
  if (!('SharedWorker' in window)) {
    const source = new EventSource(absolute);
    source.onopen = opened;
    source.onerror = lost;
    for (const name of names) {
      source.addEventListener(name, (event) => listener.event(name, JSON.parse(event.data)));
    }
    return;
  }
  const worker = new SharedWorker(new URL('./feed-worker.js', import.meta.url), { name: 'bongsu' });
  worker.port.onmessage = ({ data }) => {
    if (data.kind === 'open') opened();
    if (data.kind === 'lost') lost();
    if (data.kind === 'event') listener.event(data.name, JSON.parse(data.data));
  };
  worker.port.postMessage({ kind: 'join', url: absolute, names });
  addEventListener('pagehide', () => worker.port.postMessage({ kind: 'leave' }));
  addEventListener('pageshow', (event) => {
    if (event.persisted) worker.port.postMessage({ kind: 'join', url: absolute, names });
  });
}
