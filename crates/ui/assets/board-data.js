// The board's snapshot, decoded, changed and sorted; the format is docs/format/board.md.

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Acknowledged, maintenance and suppressed: drawn, but standing behind. */
const QUIET = 0x38;
/** The state of a column that nothing watches. */
const UNWATCHED = 7;
/** Urgency of the states 0–7; see `Cell::urgency` on the server. */
const URGENCY = [0, 2, 3, 5, 6, 7, 4, 1];

/** How urgently a cell asks to be seen. @param {number} cell */
export function urgency(cell) {
  const base = URGENCY[cell & 7];
  return base === 0 ? 0 : base * 2 - (cell & QUIET ? 1 : 0);
}

export class BoardData {
  /** @param {ArrayBuffer} buffer */
  constructor(buffer) {
    const view = new DataView(buffer);
    const magic = new TextDecoder().decode(new Uint8Array(buffer, 0, 4));
    if (magic !== 'BGB1') throw new Error(`unknown board snapshot: ${magic}`);
    this.groups = view.getUint8(4);
    this.generation = Number(view.getBigUint64(8, true));
    this.size = view.getUint32(24, true);
    this.ids = new Uint8Array(buffer, 28, this.size * 16);
    const cellsAt = 28 + this.size * 16;
    const planes = new Uint8Array(buffer, cellsAt, this.size * this.groups);
    /** Cells by row, then group. */
    this.cells = new Uint8Array(this.size * this.groups);
    for (let row = 0; row < this.size; row++) {
      for (let group = 0; group < this.groups; group++) {
        this.cells[row * this.groups + group] = planes[group * this.size + row];
      }
    }
    this.names = this.#readNames(buffer, cellsAt + planes.length);
    /** The rows of the chosen host group; null for all. @type {Set<number> | null} */
    this.only = null;
    /** The most urgent cell of each row. */
    this.worst = new Uint8Array(this.size);
    for (let row = 0; row < this.size; row++) this.#judge(row);
  }

  /** @param {ArrayBuffer} buffer @param {number} at */
  #readNames(buffer, at) {
    const bytes = new Uint8Array(buffer);
    const decoder = new TextDecoder();
    const name = new Uint8Array(255);
    const names = new Array(this.size);
    for (let row = 0; row < this.size; row++) {
      const shared = bytes[at];
      const length = bytes[at + 1];
      name.set(bytes.subarray(at + 2, at + 2 + length), shared);
      names[row] = decoder.decode(name.subarray(0, shared + length));
      at += 2 + length;
    }
    return /** @type {string[]} */ (names);
  }

  /** @param {number} row */
  #judge(row) {
    // A column that nothing watches says nothing of its host as long as another one is judged.
    let worst = UNWATCHED;
    const end = (row + 1) * this.groups;
    for (let at = row * this.groups; at < end; at++) {
      const cell = this.cells[at];
      if ((cell & 7) === UNWATCHED) continue;
      if (worst === UNWATCHED || urgency(cell) > urgency(worst)) worst = cell;
    }
    this.worst[row] = worst;
  }

  /**
   * Applies a `cells` event.
   * @param {{from: number, to: number, cells: number[]}} change
   * @returns {Set<number> | null} the rows that changed, or null when the change does not fit
   */
  apply(change) {
    if (change.to <= this.generation) return new Set();
    if (change.from !== this.generation) return null;
    const rows = new Set();
    for (let at = 0; at < change.cells.length; at += 2) {
      const place = change.cells[at];
      if (place >= this.cells.length) return null;
      this.cells[place] = change.cells[at + 1];
      rows.add(Math.floor(place / this.groups));
    }
    for (const row of rows) this.#judge(row);
    this.generation = change.to;
    return rows;
  }

  /** The host page of a row. @param {number} row */
  href(row) {
    let bits = 0n;
    for (const byte of this.ids.subarray(row * 16, row * 16 + 16))
      bits = (bits << 8n) | BigInt(byte);
    let text = '';
    for (let at = 0; at < 26; at++) {
      text = ALPHABET[Number(bits & 31n)] + text;
      bits >>= 5n;
    }
    return `/hosts/ci_${text}`;
  }

  /**
   * The rows that fit a filter, sorted.
   * @param {{text: string, severity: string, onlyBad: boolean, sort: string}} filter
   * @returns {Uint32Array}
   */
  rows({ text, severity, onlyBad, sort }) {
    const wanted = text.trim().toLowerCase();
    const least = ['normal', 'info', 'warning', 'minor', 'major', 'critical'].indexOf(severity);
    const fits = (/** @type {number} */ row) => {
      const state = this.worst[row] & 7;
      if (this.only && !this.only.has(row)) return false;
      if (onlyBad && state === 0) return false;
      if (severity === 'unknown' && !this.#hasUnknown(row)) return false;
      if (least > 0 && (state < least || state > 5)) return false;
      return wanted === '' || this.names[row].toLowerCase().includes(wanted);
    };
    const found = new Uint32Array(this.size);
    let count = 0;
    for (let row = 0; row < this.size; row++) if (fits(row)) found[count++] = row;
    const rows = found.subarray(0, count);
    // The snapshot is sorted by name, and sorting by urgency keeps that order among equals.
    if (sort !== 'name')
      rows.sort((a, b) => urgency(this.worst[b]) - urgency(this.worst[a]) || a - b);
    return rows;
  }

  /** @param {number} row */
  #hasUnknown(row) {
    const cells = this.cells.subarray(row * this.groups, (row + 1) * this.groups);
    return cells.some((cell) => (cell & 7) === 6);
  }
}
