// Upload of a file to a form in Python, piece by piece. See form_uploads.py.

/** Bytes of a piece: servers take messages of up to 10 MiB. */
const UPLOAD_PIECE = 2 ** 20;

/**
 * Gives `upload(field, file, signal, progress)`: a promise that the whole file has arrived, rejected with the sentence
 * that Python answers, or when `signal` aborts. `progress` is called with a fraction from 0 to 1.
 */
export function fileUploads(model, signal) {
  const waiting = new Map(); // number of the upload → the functions that settle the promise of its next piece
  const receive = (message) => {
    const piece = waiting.get(message?.uploaded);
    if (!piece) return;
    waiting.delete(message.uploaded);
    if (message.error) piece.reject(new Error(message.error));
    else piece.resolve(message.offset);
  };
  model.on("msg:custom", receive);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", receive);
    waiting.clear();
  }, { once: true });

  return async (field, file, cancelled, progress) => {
    const number = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    const { name, size } = file;
    let offset = 0;
    do {
      const piece = await file.slice(offset, offset + UPLOAD_PIECE).arrayBuffer();
      cancelled.throwIfAborted();
      const arrived = new Promise((resolve, reject) => waiting.set(number, { resolve, reject }));
      model.send({ upload: number, field, name, size, offset }, undefined, [piece]);
      offset = await arrived;
      cancelled.throwIfAborted();
      progress(offset / size);
    } while (offset < size);
  };
}
