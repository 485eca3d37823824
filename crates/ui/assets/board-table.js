// The board's table: rows that are seen exist, all others are two spacers.

const STATES = [
  'normal',
  'info',
  'warning',
  'minor',
  'major',
  'critical',
  'unknown',
  'unregistered',
];
const MARKS = ['acknowledged', 'maintenance', 'suppressed', 'flapping', 'cannot_judge'];
/** Rows kept above and below what is seen. */
const MARGIN = 12;

/** A cell's words: its state and its marks. @param {number} cell @param {string[]} words */
export function describe(cell, words) {
  const marks = MARKS.map((_, at) => (cell & (8 << at) ? words[8 + at] : '')).filter(Boolean);
  return [words[cell & 7], ...marks].join(' · ');
}

export class BoardTable {
  /**
   * @param {HTMLTableElement} table
   * @param {HTMLElement} scroller
   * @param {string[]} words
   */
  constructor(table, scroller, words) {
    this.table = table;
    this.words = words;
    this.body = table.tBodies[0];
    this.height = this.body.rows[0]?.offsetHeight || 30;
    this.scroller = scroller;
    /** @type {Map<number, HTMLTableRowElement>} drawn rows by row number */
    this.drawn = new Map();
    this.above = this.#spacer();
    this.below = this.#spacer();
    const draw = () => requestAnimationFrame(() => this.draw());
    scroller.addEventListener('scroll', draw, { passive: true });
    addEventListener('scroll', draw, { passive: true });
    addEventListener('resize', draw);
  }

  #spacer() {
    const row = document.createElement('tr');
    row.className = 'spacer';
    row.setAttribute('aria-hidden', 'true');
    row.append(document.createElement('td'));
    return row;
  }

  /**
   * Shows these rows of this data.
   * @param {import('./board-data.js').BoardData} data
   * @param {Uint32Array} rows
   */
  show(data, rows) {
    const first = !this.data;
    if (this.data !== data) this.drawn.clear();
    this.data = data;
    this.rows = rows;
    this.table.hidden = rows.length === 0;
    this.table.setAttribute('aria-rowcount', String(rows.length));
    if (first) this.body.replaceChildren(this.above, this.below);
    this.draw();
  }

  /** Redraws rows whose cells changed. @param {Set<number>} changed */
  refresh(changed) {
    for (const row of changed) {
      const element = this.drawn.get(row);
      if (element) this.#fill(element, row, true);
    }
  }

  draw() {
    if (!this.data || !this.rows) return;
    const count = this.rows.length;
    const start = this.above.getBoundingClientRect().top;
    const box = this.scroller.getBoundingClientRect();
    const top = Math.max(box.top, 0);
    const bottom = Math.min(box.bottom, innerHeight);
    const fit = Math.ceil(Math.max(0, bottom - top) / this.height) + 2 * MARGIN;
    // A filter may leave fewer rows than were scrolled past: then the last ones are shown.
    const asked = Math.floor((top - start) / this.height) - MARGIN;
    const from = Math.max(0, Math.min(asked, count - fit));
    const to = Math.min(count, from + fit);
    const wanted = this.rows.subarray(from, to);
    const kept = new Map();
    for (const row of wanted) {
      let element = this.drawn.get(row);
      if (!element) {
        element = document.createElement('tr');
        this.#fill(element, row, false);
      }
      kept.set(row, element);
    }
    const elements = [...kept.values()];
    const current = [...this.body.rows].slice(1, -1);
    if (elements.length !== current.length || elements.some((row, at) => row !== current[at])) {
      const focused = document.activeElement;
      this.body.replaceChildren(this.above, ...elements, this.below);
      if (focused instanceof HTMLElement && this.body.contains(focused))
        focused.focus({ preventScroll: true });
    }
    this.drawn = kept;
    this.above.style.height = `${from * this.height}px`;
    this.below.style.height = `${Math.max(0, count - to) * this.height}px`;
  }

  /** @param {HTMLTableRowElement} element @param {number} row @param {boolean} flash */
  #fill(element, row, flash) {
    const data = this.data;
    if (!data) return;
    const worst = data.worst[row] & 7;
    let head = element.cells[0];
    if (!head) {
      head = document.createElement('th');
      head.scope = 'row';
      const link = document.createElement('a');
      link.href = data.href(row);
      link.textContent = data.names[row];
      const word = document.createElement('span');
      word.className = 'worst';
      head.append(link, word);
      element.append(head);
      for (let group = 0; group < data.groups; group++) {
        const cell = element.insertCell();
        cell.append(document.createElement('i'), document.createElement('span'));
      }
    }
    head.className = `s-${STATES[worst]}`;
    /** @type {HTMLElement} */ (head.lastElementChild).textContent = this.words[worst];
    for (let group = 0; group < data.groups; group++) {
      this.#fillCell(element.cells[group + 1], data.cells[row * data.groups + group], flash);
    }
  }

  /** @param {HTMLTableCellElement} element @param {number} cell @param {boolean} flash */
  #fillCell(element, cell, flash) {
    if (element.dataset.cell === String(cell)) return;
    element.dataset.cell = String(cell);
    const state = cell & 7;
    const marks = MARKS.filter((_, at) => cell & (8 << at)).map((mark) => ` has-${mark}`);
    element.className = `cell s-${STATES[state]}${marks.join('')}`;
    element.title = describe(cell, this.words);
    const [glyph, word] = element.children;
    glyph.className = state > 5 ? 'glyph' : `fires f${state}`;
    word.textContent = this.words[state];
    if (flash) {
      element.classList.add('flash');
      setTimeout(() => element.classList.remove('flash'), 1600);
    }
  }
}
