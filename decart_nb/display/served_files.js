// Files that the notebook's server has: a live view plays them from there, by reference. See output.py.

/**
 * The address of the file that the static output beside a view refers to, and its name; or null. The frontend has made
 * the address one of its server; whether that serves files, and parts of them, is tried.
 */
async function servedProbe(model, signal) {
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

/** The address of that file, or null. */
export async function servedFile(model, signal) {
  return (await servedProbe(model, signal))?.address.href ?? null;
}

/** A function that gives the address of each file of its folder, or null. */
export async function servedFolder(model, signal) {
  const { address, name } = (await servedProbe(model, signal)) ?? {};
  if (!name || !address.pathname.endsWith(`/${encodeURIComponent(name)}`)) return null;
  const folder = address.pathname.slice(0, -encodeURIComponent(name).length);
  return (file) => `${address.origin}${folder}${file.split("/").map(encodeURIComponent).join("/")}${address.search}`;
}
