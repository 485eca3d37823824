// Graphs of a page: fetched when seen, drawn by uPlot, one cursor and one range for all.

import { serverNow } from './frame.js';

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {(number | null)[]} mean
 * @property {(number | null)[]} [min]
 * @property {(number | null)[]} [max]
 *
 * @typedef {{from: number, to: number | null, severity: string, title: string}} Mark
 *
 * @typedef {object} GraphData
 * @property {string} unit
 * @property {boolean} [stacked]
 * @property {number} step_ms
 * @property {number[]} t seconds
 * @property {Series[]} series
 * @property {{severity: string, value: number, label: string}[]} [thresholds]
 * @property {Mark[]} [marks]
 * @property {[number, number][]} [late] stretches that arrived late, milliseconds
 * @property {number} [y_max]
 */

const uPlot = /** @type {any} */ (globalThis).uPlot;
const REFRESH_MS = 10_000;
/** Powers of two, so that the axis of sizes has round numbers. */
const BINARY_STEPS = Array.from({ length: 60 }, (_, at) => 2 ** (at - 4));
const box = /** @type {HTMLElement | null} */ (document.querySelector('[data-graphs]'));

/** @param {string} name */
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A colour as the browser resolves it, for canvas.
 * @param {string} className @param {string} property
 */
function resolved(className, property = 'color') {
  const probe = document.createElement('i');
  probe.className = className;
  document.body.append(probe);
  const value = getComputedStyle(probe).getPropertyValue(property);
  probe.remove();
  return value;
}

/** @param {number} value @param {number} digits */
const round = (value, digits) =>
  String(Number(value.toFixed(digits))).replace(/\B(?=(\d{3})+(?!\d)(?<!\.\d*))/g, ',');

/** @param {number} value */
function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let at = 0;
  while (Math.abs(value) >= 1024 && at < units.length - 1) {
    value /= 1024;
    at++;
  }
  return `${round(value, at === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[at]}`;
}

/** @param {number} value */
function seconds(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.001) return `${round(value * 1e6, 0)} µs`;
  if (size < 1) return `${round(value * 1e3, 1)} ms`;
  return `${round(value, 2)} s`;
}

/**
 * A value in its unit, as the server writes it.
 * @param {number | null | undefined} value @param {string} unit
 */
function show(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  switch (unit) {
    case 'ratio':
      return `${round(value * 100, Math.abs(value) < 0.1 ? 2 : 1)}%`;
    case 'bytes':
      return bytes(value);
    case 'bytes_per_second':
      return `${bytes(value)}/s`;
    case 'per_second':
      return `${round(value, 1)}/s`;
    case 'seconds':
      return seconds(value);
    default:
      return round(value, Math.abs(value) < 10 ? 2 : 1);
  }
}

/** Sums series upward for a stacked graph. @param {Series[]} series */
function stack(series) {
  let below = /** @type {number[]} */ ([]);
  return series.map(({ mean }) => {
    below = mean.map((value, at) => (value ?? 0) + (below[at] ?? 0));
    return below.map((sum, at) => (mean[at] === null ? null : sum));
  });
}

class Graph {
  /** @param {HTMLElement} figure @param {Board} board */
  constructor(figure, board) {
    this.figure = figure;
    this.board = board;
    this.plotBox = /** @type {HTMLElement} */ (figure.querySelector('.plot'));
    this.legend = /** @type {HTMLElement} */ (figure.querySelector('.legend'));
    this.seen = false;
  }

  async load() {
    if (!this.seen) return;
    const { from, to } = this.board.range;
    const url = new URL(this.figure.dataset.graph ?? '', location.href);
    url.searchParams.set('from', String(Math.round(from)));
    url.searchParams.set('to', String(Math.round(to)));
    url.searchParams.set(
      'points',
      String(Math.min(1500, Math.max(60, Math.round(this.plotBox.clientWidth)))),
    );
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok) return this.#say(this.board.box.dataset.failed ?? '');
    this.data = /** @type {GraphData} */ (await answer.json());
    if (this.data.t.length === 0) return this.#say(this.board.box.dataset.noData ?? '');
    this.draw();
  }

  /** @param {string} text */
  #say(text) {
    this.plot?.destroy();
    this.plot = undefined;
    this.plotBox.textContent = text;
    this.plotBox.classList.add('none');
  }

  draw() {
    const data = this.data;
    if (!data) return;
    this.plot?.destroy();
    this.plotBox.textContent = '';
    this.plotBox.classList.remove('none');
    const colours = this.board.colours;
    const rows = data.stacked ? stack(data.series) : data.series.map(({ mean }) => mean);
    const columns = [data.t, ...rows];
    const series = [{}, ...data.series.map((one, at) => this.#line(one, at, data))];
    const bands = [];
    if (data.stacked) {
      for (let at = rows.length; at > 1; at--)
        bands.push({ series: [at, at - 1], fill: `${colours.lines[(at - 1) % 8]}99` });
    } else {
      this.#addMinMax(data, columns, series, bands);
    }
    const axis = {
      stroke: colours.muted,
      grid: { stroke: colours.line, width: 1 },
      ticks: { show: false },
      font: colours.font,
    };
    this.plot = new uPlot(
      {
        width: this.plotBox.clientWidth,
        height: this.plotBox.clientHeight,
        series,
        bands,
        legend: { show: false },
        cursor: {
          sync: { key: 'page' },
          drag: { x: true, y: false },
          points: { size: 6 },
          y: false,
        },
        scales: {
          x: { min: this.board.range.from / 1000, max: this.board.range.to / 1000 },
          y: {
            range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) =>
              this.#scale(low, high),
          },
        },
        axes: [
          {
            ...axis,
            size: 26,
            gap: 4,
            space: 70,
            values: (
              /** @type {any} */ _,
              /** @type {number[]} */ ticks,
              /** @type {number} */ __,
              /** @type {number} */ ___,
              /** @type {number} */ step,
            ) => ticks.map((tick) => this.board.time(tick, step)),
          },
          {
            ...axis,
            size: 64,
            gap: 6,
            incrs: data.unit.startsWith('bytes') ? BINARY_STEPS : undefined,
            values: (/** @type {any} */ _, /** @type {number[]} */ ticks) =>
              ticks.map((tick) => show(tick, data.unit)),
            space: 28,
          },
        ],
        tzDate: (/** @type {number} */ at) => uPlot.tzDate(new Date(at * 1000), this.board.zone),
        hooks: {
          drawClear: [(/** @type {any} */ plot) => this.#drawMarks(plot)],
          draw: [(/** @type {any} */ plot) => this.#drawThresholds(plot)],
          setCursor: [(/** @type {any} */ plot) => this.#showLegend(plot.cursor.idx)],
          setSelect: [(/** @type {any} */ plot) => this.#select(plot)],
        },
      },
      columns,
      this.plotBox,
    );
    this.#showLegend(null);
  }

  /** @param {number} low @param {number} high */
  #scale(low, high) {
    const data = this.data;
    const near = (data?.thresholds ?? [])
      .map(({ value }) => value)
      .filter((value) => value <= high * 1.35);
    const top = data?.y_max ?? Math.max(high, ...near, 0);
    // A share that comes near the whole is drawn against the whole.
    if (data?.unit === 'ratio' && top > 0.5 && top <= 1) return [0, 1];
    return [Math.min(0, low), top > 0 ? top * (data?.y_max ? 1 : 1.08) : 1];
  }

  /** @param {Series} one @param {number} at @param {GraphData} data */
  #line(one, at, data) {
    const colours = this.board.colours;
    const colour = colours.lines[at % colours.lines.length];
    const last = data.stacked && at === 0;
    return {
      label: one.label,
      stroke: colour,
      width: data.stacked ? 1 : 1.6,
      // Beyond the palette lines are dashed, so that colour is never all that tells them apart.
      dash: at >= colours.lines.length ? [6, 4] : undefined,
      fill: last ? `${colour}99` : undefined,
      points: { show: false },
      spanGaps: false,
    };
  }

  /** @param {GraphData} data @param {any[]} columns @param {any[]} series @param {any[]} bands */
  #addMinMax(data, columns, series, bands) {
    if (data.series.length > 3) return;
    for (const [at, one] of data.series.entries()) {
      if (!one.min || !one.max) continue;
      const first = columns.length;
      columns.push(one.max, one.min);
      const hidden = { stroke: 'transparent', width: 0, points: { show: false } };
      series.push({ ...hidden, label: '' }, { ...hidden, label: '' });
      bands.push({ series: [first, first + 1], fill: `${this.board.colours.lines[at % 8]}2e` });
    }
  }

  /** Problems as stripes behind the lines, late data hatched. @param {any} plot */
  #drawMarks(plot) {
    const pen = plot.ctx;
    const { left, top, width, height } = plot.bbox;
    const place = (/** @type {number} */ ms) =>
      Math.min(left + width, Math.max(left, plot.valToPos(ms / 1000, 'x', true)));
    pen.save();
    for (const mark of this.data?.marks ?? []) {
      const [from, to] = [place(mark.from), place(mark.to ?? serverNow())];
      if (to <= left || from >= left + width) continue;
      const colours = this.board.severity(mark.severity);
      pen.globalAlpha = 0.12;
      pen.fillStyle = colours.fill;
      pen.fillRect(from, top, Math.max(2, to - from), height);
      pen.globalAlpha = 1;
      pen.fillRect(from, top, Math.max(2, to - from), 3 * devicePixelRatio);
    }
    for (const [from, to] of this.data?.late ?? []) {
      pen.fillStyle = this.board.colours.muted;
      pen.globalAlpha = 0.1;
      pen.fillRect(place(from), top, place(to) - place(from), height);
    }
    pen.restore();
  }

  /** @param {any} plot */
  #drawThresholds(plot) {
    const pen = plot.ctx;
    const { left, top, width } = plot.bbox;
    pen.save();
    pen.lineWidth = devicePixelRatio;
    pen.font = this.board.colours.font.replace(/^\d+px/, `${10.5 * devicePixelRatio}px`);
    pen.textAlign = 'left';
    let [right, before] = [left + 6 * devicePixelRatio, Number.NEGATIVE_INFINITY];
    for (const { severity, value, label } of this.data?.thresholds ?? []) {
      const y = plot.valToPos(value, 'y', true);
      if (y < top || value > plot.scales.y.max) continue;
      const colour = this.board.severity(severity).text;
      pen.strokeStyle = pen.fillStyle = colour;
      pen.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      pen.beginPath();
      pen.moveTo(left, y);
      pen.lineTo(left + width, y);
      pen.stroke();
      // Labels of lines close together stand side by side.
      if (Math.abs(y - before) > 20 * devicePixelRatio) right = left + 6 * devicePixelRatio;
      pen.setLineDash([]);
      pen.strokeStyle = this.board.colours.ground;
      pen.lineWidth = 4 * devicePixelRatio;
      pen.strokeText(label, right, y - 3 * devicePixelRatio);
      pen.fillText(label, right, y - 3 * devicePixelRatio);
      pen.lineWidth = devicePixelRatio;
      right += pen.measureText(label).width + 12 * devicePixelRatio;
      before = y;
    }
    pen.restore();
  }

  /** @param {number | null | undefined} at */
  #showLegend(at) {
    const data = this.data;
    if (!data) return;
    const items = data.series.map((one, index) => {
      const place = at ?? one.mean.findLastIndex((value) => value !== null);
      const item = document.createElement('span');
      item.className = 'legend-item';
      const swatch = document.createElement('i');
      swatch.className = `swatch l${index % 8}${index > 7 ? ' dashed' : ''}`;
      const value = document.createElement('b');
      value.textContent = show(one.mean[place], data.unit);
      const min = one.min?.[place];
      const max = one.max?.[place];
      if (at !== null && at !== undefined && min !== undefined && max !== undefined) {
        item.title = `${show(min, data.unit)} – ${show(max, data.unit)}`;
      }
      item.append(swatch, `${one.label} `, value);
      return item;
    });
    this.legend.replaceChildren(...items);
  }

  /** @param {any} plot */
  #select(plot) {
    if (plot.select.width < 6) return;
    const from = plot.posToVal(plot.select.left, 'x') * 1000;
    const to = plot.posToVal(plot.select.left + plot.select.width, 'x') * 1000;
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.board.zoom(from, to);
  }
}

class Board {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.zone = box.dataset.zone ?? 'UTC';
    this.first = this.range = { from: Number(box.dataset.from), to: Number(box.dataset.to) };
    this.live = box.dataset.live === 'true';
    this.colours = this.#readColours();
    this.graphs = [...box.querySelectorAll('[data-graph]')].map(
      (figure) => new Graph(/** @type {HTMLElement} */ (figure), this),
    );
    const seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          const graph = this.graphs.find((one) => one.figure === entry.target);
          if (!graph || graph.seen === entry.isIntersecting) continue;
          graph.seen = entry.isIntersecting;
          if (graph.seen) void graph.load();
        }
      },
      { rootMargin: '300px' },
    );
    for (const graph of this.graphs) seen.observe(graph.figure);
    this.back = /** @type {HTMLButtonElement | null} */ (box.querySelector('[data-zoom-out]'));
    this.back?.addEventListener('click', () => this.zoom(this.first.from, this.first.to));
    new ResizeObserver(() =>
      this.graphs.forEach((graph) =>
        graph.plot?.setSize({
          width: graph.plotBox.clientWidth,
          height: graph.plotBox.clientHeight,
        }),
      ),
    ).observe(box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.colours = this.#readColours();
      this.graphs.forEach((graph) => graph.draw());
    });
    if (this.live) setInterval(() => this.#follow(), REFRESH_MS);
  }

  #readColours() {
    return {
      lines: Array.from({ length: 8 }, (_, at) =>
        hex(resolved(`swatch l${at}`, 'background-color')),
      ),
      muted: resolved('muted'),
      line: resolved('graph-line'),
      ground: resolved('graph-line', 'background-color'),
      font: `11px ${token('--font')}`,
    };
  }

  /**
   * A tick of the time axis in the reader's zone.
   * @param {number} at seconds @param {number} step seconds
   */
  time(at, step) {
    this.formats ??= {
      day: new Intl.DateTimeFormat('en-CA', {
        timeZone: this.zone,
        month: '2-digit',
        day: '2-digit',
      }),
      minute: new Intl.DateTimeFormat('en-GB', {
        timeZone: this.zone,
        hour: '2-digit',
        minute: '2-digit',
      }),
      second: new Intl.DateTimeFormat('en-GB', { timeZone: this.zone, timeStyle: 'medium' }),
    };
    if (step < 60) return this.formats.second.format(at * 1000);
    const minute = this.formats.minute.format(at * 1000);
    return step >= 86400 || minute === '00:00' ? this.formats.day.format(at * 1000) : minute;
  }

  /** @param {string} name */
  severity(name) {
    return {
      text: resolved(`tile-ink s-${name}`),
      fill: resolved(`tile-ink s-${name}`, 'background-color'),
    };
  }

  #follow() {
    if (document.hidden || this.range !== this.first) return;
    const length = this.first.to - this.first.from;
    const to = serverNow();
    this.first = this.range = { from: to - length, to };
    this.graphs.forEach((graph) => void graph.load());
  }

  /** @param {number} from @param {number} to */
  zoom(from, to) {
    this.range = from === this.first.from && to === this.first.to ? this.first : { from, to };
    if (this.back) this.back.hidden = this.range === this.first;
    const query = this.range === this.first ? '' : `?from=${Math.round(from)}&to=${Math.round(to)}`;
    if (query) history.replaceState(null, '', location.pathname + query);
    this.graphs.forEach((graph) => void graph.load());
  }
}

/** `rgb(1, 2, 3)` as `#010203`, so that an alpha can be put behind it. @param {string} rgb */
function hex(rgb) {
  const parts = (rgb.match(/[\d.]+/g) ?? ['0', '0', '0']).slice(0, 3);
  return `#${parts.map((part) => Math.round(Number(part)).toString(16).padStart(2, '0')).join('')}`;
}

if (box && uPlot) new Board(box);
