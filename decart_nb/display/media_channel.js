// Channel on which a view asks its widget in Python for videos and posters. See media_channel.py.

/** How many files of each kind a view keeps, unless more are in use. The one not asked for longest is released first. */
const MEDIA_KEPT = { video: 16, poster: 1000 };

/**
 * Gives `url(kind, key, user)`: a promise of an object URL of a file, which is released when `signal` aborts, or when
 * the view has asked for more files of that kind than it keeps, but not before `user` aborts, the AbortSignal of what
 * shows the file. It is rejected with the sentence that Python answers.
 */
export function mediaChannel(model, signal, kept = MEDIA_KEPT) {
  const waiting = new Map(); // request → the functions that settle its promise
  const cached = { video: new Map(), poster: new Map() }; // kind → key → {promise, users}, in the order of their last use

  const receive = (message, buffers) => {
    const request = waiting.get(message?.reply);
    if (!request) return; // another view of the same widget has asked
    waiting.delete(message.reply);
    if (message.error || !buffers?.length) request.reject(new Error(message.error || "The answer has no file."));
    else request.resolve(URL.createObjectURL(new Blob([buffers[0]], { type: message.media_type })));
  };
  const release = ({ promise }) => promise.then((url) => URL.revokeObjectURL(url), () => {});
  const releaseUnused = (kind) => {
    const files = cached[kind];
    for (const [key, file] of files) {
      if (files.size <= kept[kind]) return;
      if (file.users) continue;
      files.delete(key);
      release(file);
    }
  };

  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    waiting.clear();
    for (const files of Object.values(cached)) {
      files.forEach(release);
      files.clear();
    }
  }, { once: true });

  const ask = (kind, key) => {
    const { promise, ...settle } = mediaPromise();
    // By chance, not by counting: the answers to all views of a widget, in all windows, come to each of them.
    const request = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    waiting.set(request, settle);
    model.send({ request, kind, key });
    return promise;
  };
  return {
    url(kind, key, user = null) {
      if (user?.aborted) return Promise.reject(user.reason);
      const files = cached[kind];
      const file = files.get(key) ?? { promise: ask(kind, key), users: 0 };
      files.delete(key);
      files.set(key, file);
      file.promise.catch(() => {
        if (files.get(key) === file) files.delete(key); // so that it can be asked for again
      });
      if (user) {
        file.users += 1;
        user.addEventListener("abort", () => {
          file.users -= 1;
          releaseUnused(kind);
        }, { once: true });
      }
      releaseUnused(kind);
      return file.promise;
    },
  };
}

/** A promise with the functions that settle it. */
function mediaPromise() {
  let resolve, reject;
  const promise = new Promise((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}
