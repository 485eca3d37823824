// One event stream per browser and address: tabs share it through this SharedWorker.

/** @typedef {{source: EventSource, ports: Set<MessagePort>, names: Set<string>}} Stream */
/** @type {Map<string, Stream>} */
const streams = new Map();

/**
 * @param {string} url
 * @param {string[]} names
 * @param {MessagePort} port
 */
function join(url, names, port) {
  let stream = streams.get(url);
  if (!stream) {
    stream = { source: new EventSource(url), ports: new Set(), names: new Set() };
    streams.set(url, stream);
    const opened = stream;
    const tell = (/** @type {object} */ message) => {
      for (const other of opened.ports) other.postMessage(message);
    };
    stream.source.onopen = () => tell({ kind: 'open' });
    stream.source.onerror = () => tell({ kind: 'lost' });
  }
  const { source, ports, names: known } = stream;
  ports.add(port);
  for (const name of names.filter((name) => !known.has(name))) {
    known.add(name);
    source.addEventListener(name, (event) => {
      for (const other of ports) other.postMessage({ kind: 'event', name, data: event.data });
    });
  }
  // A tab that joins late missed `hello`: it must fetch its own snapshot anyway.
  if (source.readyState === EventSource.OPEN) port.postMessage({ kind: 'open' });
}

/** @param {MessagePort} port */
function leave(port) {
  for (const [url, stream] of streams) {
    stream.ports.delete(port);
    if (stream.ports.size === 0) {
      stream.source.close();
      streams.delete(url);
    }
  }
}

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.kind === 'join') join(data.url, data.names, port);
    if (data.kind === 'leave') leave(port);
  };
};
