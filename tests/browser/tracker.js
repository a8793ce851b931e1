// Tracks the listeners, timers and object URLs that widget modules (loaded from blob URLs) have not released.
(() => {
  const open = (window.tracker = { listeners: new Set(), timers: new Map(), urls: new Set() });
  const ours = () => new Error().stack.split("\n")[3]?.includes("blob:"); // below this: the wrapper, then its caller
  const wrap = (object, name, make) => (object[name] = make(object[name]));

  wrap(EventTarget.prototype, "addEventListener", (add) => function (type, act, options) {
    if (ours()) {
      const entry = { target: this, type, act };
      open.listeners.add(entry);
      const gone = () => open.listeners.delete(entry);
      if (options?.signal) add.call(options.signal, "abort", gone);
      if (options?.once) add.call(this, type, gone, { once: true });
    }
    return add.call(this, type, act, options);
  });
  wrap(EventTarget.prototype, "removeEventListener", (remove) => function (type, act, options) {
    for (const entry of open.listeners) {
      if (entry.target === this && entry.type === type && entry.act === act) open.listeners.delete(entry);
    }
    return remove.call(this, type, act, options);
  });
  for (const [begin, end, once] of [
    ["setTimeout", "clearTimeout", true],
    ["setInterval", "clearInterval", false],
    ["requestAnimationFrame", "cancelAnimationFrame", true],
  ]) {
    wrap(window, begin, (start) => function (act, ...rest) {
      if (!ours()) return start.call(window, act, ...rest);
      const id = start.call(window, (...given) => {
        if (once) open.timers.delete(`${begin} ${id}`);
        return act(...given);
      }, ...rest);
      open.timers.set(`${begin} ${id}`, act);
      return id;
    });
    wrap(window, end, (stop) => function (id) {
      open.timers.delete(`${begin} ${id}`);
      return stop.call(window, id);
    });
  }
  wrap(URL, "createObjectURL", (create) => function (blob) {
    const url = create.call(URL, blob);
    if (ours()) open.urls.add(url);
    return url;
  });
  wrap(URL, "revokeObjectURL", (revoke) => function (url) {
    open.urls.delete(url);
    return revoke.call(URL, url);
  });
})();
