// A sweep while it is under way: a line of totals over a line for each job that is running. See sweep_lines.py.
import { element, view } from "./live_view.js";

const SHARES = ["done", "reused", "failed", "running"];
/** What has a mark, as its share of the bar has a pattern; what is invalid counts among what failed. */
const MARKED = [...SHARES, "invalid"];

/** A job's line: empty, until it is told of a job. It is written anew only where that differs. */
function jobLine() {
  const filled = element("div");
  const bar = element("div", { class: "decart-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
  bar.append(filled);
  // What somebody has written keeps its direction to itself.
  const model = element("bdi", { class: "decart-model" });
  const request = element("bdi", { class: "decart-request" });
  const state = element("span", { class: "decart-state" });
  const time = element("span", { class: "decart-time" });
  const line = element("div", { role: "listitem" }, bar, model, request, element("span", {}, state, time));
  let number = null;
  const write = (part, text) => {
    if (part.textContent !== text) part.textContent = text;
  };
  return {
    line,
    show(job) {
      line.style.visibility = job ? "" : "hidden";
      if (!job) return;
      filled.style.transition = job.number === number ? "" : "none"; // another job's bar does not run backwards
      number = job.number;
      const percent = Math.round(1000 * job.progress) / 10;
      filled.style.width = `${percent}%`;
      bar.setAttribute("aria-valuenow", percent);
      bar.setAttribute("aria-valuetext", `${job.state}, ${job.time}`);
      bar.setAttribute("aria-label", `Estimated progress of ${job.model}, ${job.request}`);
      write(model, job.model);
      write(request, job.request);
      request.title = job.request;
      write(state, job.state);
      state.title = job.state;
      line.classList.toggle("decart-is-retrying", job.retrying);
      write(time, job.time);
    },
  };
}

export default view(({ model, root, listen, watch }) => {
  const name = element("b");
  const totals = element("span", { class: "decart-totals", "aria-live": "off" });
  const stop = element("button", { type: "button" });
  const hint = element("span", { class: "decart-hint", role: "status" });
  const says = element("div", { class: "decart-says" }, name, totals, hint);
  const top = element("div", { class: "decart-top" }, says, stop);

  const shares = SHARES.map((share) => element("div", { class: `decart-is-${share}` }));
  const bar = element("div", { class: "decart-bar", role: "progressbar", "aria-valuemin": "0" }, ...shares);
  const lines = element("div", { class: "decart-lines", role: "list", "aria-label": "Running jobs" });
  const more = element("div", { class: "decart-hint decart-more", hidden: true });
  const note = element("div", { class: "decart-note", role: "status" });

  // While this view lives, it stands in for its static form. A rule, and not a change of that output, which comes anew.
  const rule = element("style");
  rule.textContent = `.decart-output-${model.get("place")} .decart-fallback { display: none }`;
  root.classList.add("decart-sweep");
  root.setAttribute("role", "group");
  root.append(rule, top, bar, lines, more, note);

  watch(["change:sweep"], () => {
    name.textContent = model.get("sweep");
    root.setAttribute("aria-label", `Progress of ${model.get("sweep")}`);
    bar.setAttribute("aria-label", `Progress of ${model.get("sweep")}`);
  });
  watch(["change:totals", "change:over", "change:ended", "change:total"], () => {
    // Ten times a second is too often to be read out: only how it ends is.
    totals.setAttribute("aria-live", model.get("over") ? "polite" : "off");
    const said = model.get("totals");
    totals.replaceChildren(
      ...said.map(([about, text]) => {
        const mark = element("span", { class: `decart-mark decart-is-${about}` });
        return element("span", { class: "decart-total" }, ...(MARKED.includes(about) ? [mark] : []), text);
      }),
    );
    bar.setAttribute("aria-valuemax", model.get("total"));
    bar.setAttribute("aria-valuenow", model.get("ended"));
    bar.setAttribute("aria-valuetext", said.map(([, text]) => text).join(", "));
  });
  watch(["change:bar"], () => {
    model.get("bar").forEach((share, index) => {
      shares[index].style.width = `${100 * share}%`;
    });
  });

  const rows = [];
  watch(["change:jobs", "change:more"], () => {
    const jobs = model.get("jobs");
    while (rows.length < jobs.length) {
      rows.push(jobLine());
      lines.append(rows.at(-1).line);
    }
    for (const row of rows.splice(jobs.length)) row.line.remove();
    rows.forEach((row, index) => row.show(jobs[index]));
    more.textContent = model.get("more");
    // Where there were others once, there stays room for that: what is below does not jump.
    more.hidden = !jobs.length || (more.hidden && !model.get("more"));
  });
  watch(["change:note"], () => {
    note.textContent = model.get("note");
    note.hidden = !model.get("note");
  });

  // The focus stays in the view when what has it goes; else the frontend's keys would have no target.
  const leave = (button) => {
    if (button === document.activeElement) root.focus();
  };
  watch(["change:stop", "change:hint"], () => {
    const hidden = !model.get("stop") || Boolean(model.get("hint"));
    if (hidden) leave(stop);
    stop.textContent = model.get("stop");
    stop.hidden = hidden;
    stop.disabled = false;
    if (hint.textContent !== model.get("hint")) hint.textContent = model.get("hint");
  });
  listen(stop, "click", () => {
    leave(stop);
    stop.disabled = true;
    hint.textContent = "asked; a busy kernel hears it after its cell";
    model.send({ action: "stop" });
  });
  // Whether clicks are heard while a cell blocks differs between kernels; this one tells.
  model.send({ action: "ready" });
});
