// URLs of videos on the notebook's server, so that a live view plays them from there and not over its comm.

/**
 * The URL and name of the file that the hidden video of the static output beside a view refers to (`probe_video` in
 * output.py), or null. The frontend has resolved its relative address to the server's; a request for one byte shows
 * whether the server has the file and answers range requests, without which a video cannot be seeked.
 */
async function probeServer(model, signal) {
  const probe = document.querySelector(`.decart-output-${model.get("output_id")} video.decart-probe`);
  if (!probe || !/^https?:/.test(probe.src)) return null;
  try {
    const answer = await fetch(probe.src, { headers: { Range: "bytes=0-0" }, signal });
    await answer.body?.cancel();
    return answer.status === 206 ? { address: new URL(probe.src), name: probe.dataset.name } : null;
  } catch {
    return null;
  }
}

/** The URL of the one video of a view on the notebook's server, or null if the server does not have it. */
export async function servedFile(model, signal) {
  return (await probeServer(model, signal))?.address.href ?? null;
}

/** A function that returns the URL of a file in a view's store folder on the server, or null if there is no such. */
export async function servedFolder(model, signal) {
  const { address, name } = (await probeServer(model, signal)) ?? {};
  if (!name || !address.pathname.endsWith(`/${encodeURIComponent(name)}`)) return null;
  const folder = address.pathname.slice(0, -encodeURIComponent(name).length);
  return (file) => `${address.origin}${folder}${file.split("/").map(encodeURIComponent).join("/")}${address.search}`;
}
