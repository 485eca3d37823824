// Every host as one tile: a fire whose height and colour say its worst state.

import { describe } from './board-table.js';

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

export class BoardTiles {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} box @param {string[]} words */
  constructor(canvas, box, words) {
    this.canvas = canvas;
    this.box = box;
    this.words = words;
    this.tip = document.getElementById('tile-tip');
    new ResizeObserver(() => this.draw()).observe(box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.colours = undefined;
      this.draw();
    });
    canvas.addEventListener('mousemove', (event) => this.#point(event));
    canvas.addEventListener('mouseleave', () => {
      if (this.tip) this.tip.hidden = true;
    });
    canvas.addEventListener('click', (event) => {
      const row = this.#rowAt(event);
      if (row !== undefined && this.data) location.href = this.data.href(row);
    });
  }

  /**
   * @param {import('./board-data.js').BoardData} data
   * @param {Uint32Array} rows
   */
  show(data, rows) {
    this.data = data;
    this.rows = rows;
    this.draw();
  }

  refresh() {
    this.draw();
  }

  /** The colours of the states as the style sheet resolves them. */
  #readColours() {
    const probe = document.createElement('i');
    this.box.append(probe);
    const colours = STATES.map((state) => {
      probe.className = `tile-probe s-${state}`;
      const style = getComputedStyle(probe);
      return { text: style.color, fill: style.backgroundColor, on: style.borderTopColor };
    });
    probe.className = 'tile-probe';
    const ground = getComputedStyle(probe).outlineColor;
    const font = getComputedStyle(this.box).fontFamily;
    probe.remove();
    return { states: colours, ground, font };
  }

  /** The largest tile with which all fit. @param {number} width @param {number} height */
  #layout(width, height) {
    const count = this.rows?.length ?? 0;
    let best = { w: 5, h: 8, columns: Math.max(1, Math.floor(width / 5)) };
    for (let h = 240; h >= 8; h -= h > 40 ? 4 : 0.5) {
      const w = h > 36 ? Math.min(width, h * 1.7) : h * 0.62;
      const columns = Math.floor(width / w);
      if (columns > 0 && Math.ceil(count / columns) * h <= height) {
        best = {
          w: width / columns > w * 1.5 && count < columns ? w : width / columns,
          h,
          columns,
        };
        break;
      }
    }
    return best;
  }

  draw() {
    if (!this.data || !this.rows) return;
    this.colours ??= this.#readColours();
    const style = getComputedStyle(this.box);
    const padding = 2 * Number.parseFloat(style.paddingLeft);
    const width = this.box.clientWidth - padding;
    const room = Math.max(160, this.box.clientHeight - padding);
    const { w, h, columns } = this.#layout(width, room);
    const lines = Math.ceil(this.rows.length / columns);
    const height = Math.max(lines * h, 1);
    this.grid = { w, h, columns };
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext('2d');
    if (!pen) return;
    pen.scale(scale, scale);
    for (const [at, row] of this.rows.entries()) {
      const x = (at % columns) * w;
      const y = Math.floor(at / columns) * h;
      if (h > 36) this.#card(pen, row, x, y, w, h);
      else this.#fire(pen, this.data.worst[row], x, y, w, h);
    }
    if (h <= 36) this.#raiseUrgent(pen);
  }

  /**
   * A small tile: its height says the severity, so that colour is not alone.
   * @param {CanvasRenderingContext2D} pen @param {number} cell
   * @param {number} x @param {number} y @param {number} w @param {number} h
   */
  #fire(pen, cell, x, y, w, h) {
    const state = cell & 7;
    const colours = this.colours?.states[state];
    if (!colours) return;
    const inner = { x: x + 0.5, w: Math.max(1, w - 1.5), h: h - 2 };
    pen.globalAlpha = state !== 0 && cell & 0x38 ? 0.5 : 1;
    if (state === 0) {
      pen.globalAlpha = 0.75;
      pen.fillStyle = colours.fill;
      pen.fillRect(inner.x, y + h - 2.5, inner.w, 1.5);
    } else if (state > 5) {
      pen.strokeStyle = colours.text;
      pen.lineWidth = 1;
      if (state === 7) pen.setLineDash([1.5, 1.5]);
      pen.strokeRect(inner.x + 0.5, y + 1.5, inner.w - 1, inner.h - 1);
      pen.setLineDash([]);
    } else {
      const lit = (inner.h * (state + 1)) / 6;
      pen.fillStyle = colours.fill;
      pen.fillRect(inner.x, y + 1 + inner.h - lit, inner.w, lit);
    }
    pen.globalAlpha = 1;
  }

  /**
   * What nobody took and is Major or worse stands above its neighbours.
   * @param {CanvasRenderingContext2D} pen
   */
  #raiseUrgent(pen) {
    const { w, h, columns } = this.grid ?? { w: 0, h: 0, columns: 1 };
    const grow = Math.min(5, h * 0.5);
    for (const [at, row] of (this.rows ?? []).entries()) {
      const cell = this.data?.worst[row] ?? 0;
      const state = cell & 7;
      if (state < 4 || state > 5 || cell & 0x38) continue;
      const x = (at % columns) * w;
      const y = Math.floor(at / columns) * h;
      pen.fillStyle = this.colours?.ground ?? '';
      pen.fillRect(x - grow - 1, y - grow - 1, w + 2 * grow + 1, h + 2 * grow + 1);
      this.#fire(pen, cell, x - grow, y - grow, w + 2 * grow, h + 2 * grow);
    }
  }

  /**
   * A tile large enough for the host's name and state.
   * @param {CanvasRenderingContext2D} pen @param {number} row
   * @param {number} x @param {number} y @param {number} w @param {number} h
   */
  #card(pen, row, x, y, w, h) {
    const cell = this.data?.worst[row] ?? 0;
    const state = cell & 7;
    const colours = this.colours?.states[state];
    if (!colours || !this.data || !this.colours) return;
    const fiery = state > 0 && state < 6;
    // As in the table: full colour from Minor up, unless somebody took it or it is covered.
    const loud = fiery && state > 2 && !(cell & 0x38);
    pen.beginPath();
    pen.roundRect(x + 3, y + 3, w - 6, h - 6, 6);
    pen.fillStyle = this.colours.ground;
    pen.fill();
    if (fiery) {
      pen.globalAlpha = loud ? 1 : 0.16;
      pen.fillStyle = colours.fill;
      pen.fill();
      pen.globalAlpha = 1;
    }
    if (!loud) {
      pen.strokeStyle = colours.text;
      pen.globalAlpha = 0.5;
      if (state > 5) pen.setLineDash([4, 3]);
      pen.stroke();
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    }
    pen.fillStyle = loud ? colours.on : colours.text;
    const size = Math.min(40, h * 0.22);
    pen.font = `650 ${size}px ${this.colours.font}`;
    pen.textBaseline = 'middle';
    pen.fillText(this.data.names[row], x + 14, y + h * 0.36, w - 28);
    pen.font = `${size * 0.82}px ${this.colours.font}`;
    const fires = fiery ? this.#flames(pen, state, x + 14, y + h * 0.66, size * 0.82) : 0;
    pen.fillText(describe(cell, this.words), x + 14 + fires, y + h * 0.66, w - 28 - fires);
    pen.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {number} count
   * @param {number} x @param {number} y @param {number} size
   */
  #flames(pen, count, x, y, size) {
    const flame = new Path2D(
      'M3.7.3c.3 2 2.7 3.6 2.7 7 0 2.7-1.3 4.4-2.9 4.4S.6 10 .6 7.6c0-1.7.8-2.6 1.3-3.9.5.7.8 1.1 1.2 1.3.5-1.4.1-3 .6-4.7z',
    );
    const scale = size / 12;
    for (let at = 0; at < count; at++) {
      pen.save();
      pen.translate(x + at * size * 0.6, y - size / 2);
      pen.scale(scale, scale);
      pen.fill(flame);
      pen.restore();
    }
    return count * size * 0.6 + 6;
  }

  /** @param {MouseEvent} event */
  #rowAt(event) {
    if (!this.grid || !this.rows) return undefined;
    const column = Math.min(this.grid.columns - 1, Math.floor(event.offsetX / this.grid.w));
    return this.rows[Math.floor(event.offsetY / this.grid.h) * this.grid.columns + column];
  }

  /** @param {MouseEvent} event */
  #point(event) {
    const row = this.#rowAt(event);
    if (!this.tip) return;
    this.tip.hidden = row === undefined;
    if (row === undefined || !this.data) return;
    const state = describe(this.data.worst[row], this.words);
    this.tip.textContent = `${this.data.names[row]} — ${state}`;
    this.tip.style.left = `${Math.min(event.offsetX + 14, this.box.clientWidth - 260)}px`;
    this.tip.style.top = `${event.offsetY + 18}px`;
  }
}
