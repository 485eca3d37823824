// What every page can do: live times, confirmations, copying, bulk picking, messages.

/** @type {Record<string, [string, string, string, string, string, string, string]>} */
const UNITS = {
  // day, hour, minute, second, "{span} ago", "in {span}", "just now"
  ko: ['일', '시간', '분', '초', '{span} 전', '{span} 후', '방금'],
  en: ['d', 'h', 'm', 's', '{span} ago', 'in {span}', 'just now'],
};
const root = document.documentElement;
const units = UNITS[root.lang] ?? UNITS.en;
/** The server's clock minus ours, so that a wrong workstation clock shows right ages. */
const skewMs = Number(root.dataset.now) - Date.now();

/** The server's time now. @returns {number} UTC milliseconds */
export function serverNow() {
  return Date.now() + skewMs;
}

/**
 * A duration with its two largest units, as the server writes it.
 * @param {number} ms
 */
export function span(ms) {
  let rest = Math.floor(Math.abs(ms) / 1000);
  const parts = [];
  for (const [at, size] of [86400, 3600, 60, 1].entries()) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (parts.length === 1) {
      if (count > 0) parts.push(count + units[at]);
      break;
    }
    if (count > 0 || size === 1) parts.push(count + units[at]);
  }
  return parts.join(' ');
}

/** @param {number} atMs */
export function ago(atMs) {
  const past = serverNow() - atMs;
  if (Math.abs(past) < 5000) return units[6];
  return (past > 0 ? units[4] : units[5]).replace('{span}', span(past));
}

function refreshTimes() {
  for (const element of document.querySelectorAll('time[data-ago], time[data-since]')) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const at = Date.parse(time.dateTime);
    const text = time.hasAttribute('data-ago') ? ago(at) : span(Math.max(0, serverNow() - at));
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(refreshTimes, 1000);

/** Asks before a form or button marked `data-confirm` acts. @param {SubmitEvent} event */
function askFirst(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (event.submitter);
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.agreed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('confirm'));
  /** @type {HTMLElement} */ (document.getElementById('confirm-text')).textContent = question;
  dialog.returnValue = 'no';
  dialog.addEventListener(
    'close',
    () => {
      if (dialog.returnValue !== 'yes') return;
      form.dataset.agreed = 'yes';
      form.requestSubmit(button ?? undefined);
      delete form.dataset.agreed;
    },
    { once: true },
  );
  dialog.showModal();
}
document.addEventListener('submit', askFirst, { capture: true });

/** @param {HTMLElement} button */
async function copy(button) {
  const text = button.dataset.copy ?? '';
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard: select the line instead.
    const line = button.parentElement?.querySelector('code');
    if (line) getSelection()?.selectAllChildren(line);
    return;
  }
  const label = button.textContent;
  button.textContent = button.dataset.done ?? label;
  setTimeout(() => {
    button.textContent = label;
  }, 2000);
}

document.addEventListener('click', (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const copied = /** @type {HTMLElement | null} */ (target.closest('[data-copy]'));
  if (copied) void copy(copied);
  if (target.closest('[data-dismiss]')) target.closest('.toast')?.remove();
});

/** Keeps a bulk form's head box and bar in step with its rows. @param {HTMLFormElement} form */
function countPicked(form) {
  const boxes = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll('td.pick input')]);
  const picked = boxes.filter((box) => box.checked).length;
  const bar = /** @type {HTMLElement | null} */ (form.querySelector('[data-bulk-bar]'));
  if (bar) bar.hidden = picked === 0;
  const count = form.querySelector('[data-picked]');
  if (count) count.textContent = String(picked);
  const all = /** @type {HTMLInputElement | null} */ (form.querySelector('[data-pick-all]'));
  if (all) {
    all.checked = picked > 0 && picked === boxes.length;
    all.indeterminate = picked > 0 && picked < boxes.length;
  }
}

document.addEventListener('change', (event) => {
  const target = /** @type {HTMLInputElement} */ (event.target);
  if (target.matches('[data-autosubmit]')) target.form?.requestSubmit();
  const form = /** @type {HTMLFormElement | null} */ (target.closest('[data-bulk]'));
  if (!form) return;
  if (target.matches('[data-pick-all]')) {
    for (const box of form.querySelectorAll('td.pick input')) {
      /** @type {HTMLInputElement} */ (box).checked = target.checked;
    }
  }
  countPicked(form);
});
for (const form of document.querySelectorAll('[data-bulk]')) {
  countPicked(/** @type {HTMLFormElement} */ (form));
}

/** Shows or hides the "connection lost" line. @param {boolean} lost */
export function showOffline(lost) {
  const line = document.getElementById('offline');
  if (line) line.hidden = !lost;
}

// On a small screen the menus scroll: where one is must be in sight.
for (const here of document.querySelectorAll('.nav [aria-current], .subnav [aria-current]')) {
  const bar = /** @type {HTMLElement} */ (here.parentElement);
  const item = /** @type {HTMLElement} */ (here);
  bar.scrollLeft = item.offsetLeft - (bar.clientWidth - item.offsetWidth) / 2;
}
