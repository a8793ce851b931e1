// Live view of a sweep: totals, a bar, and a line for each running job. See sweep_view.py.
import { element, hideFallback, progressBar, setText, stopButton, view } from "./live_view.js";

const SHARES = ["done", "reused", "failed", "running"];
/** The totals with a mark in the pattern of their share of the bar. Invalid rows are part of the share "failed". */
const MARKED = [...SHARES, "invalid"];

/** A job's line, which is invisible without a job. */
function jobLine() {
  const { bar, fill, update } = progressBar();
  // bdi: the direction of foreign text does not affect the line.
  const model = element("bdi", { class: "decart-model" });
  const request = element("bdi", { class: "decart-request" });
  const status = element("span", { class: "decart-state" });
  const time = element("span", { class: "decart-time" });
  const line = element("div", { role: "listitem" }, bar, model, request, element("span", {}, status, time));
  let number = null;
  return {
    line,
    show(job) {
      line.style.visibility = job ? "" : "hidden";
      if (!job) return;
      fill.style.transition = job.number === number ? "" : "none"; // the bar of the next job does not run backwards
      number = job.number;
      update(job.progress, `${job.status}, ${job.time}`, `${job.model}, ${job.request}`);
      setText(model, job.model);
      setText(request, job.request);
      request.title = job.request;
      setText(status, job.status);
      status.title = job.status;
      line.classList.toggle("decart-is-retrying", job.retrying);
      setText(time, job.time);
    },
  };
}

export default view((context) => {
  const { model, root, watch } = context;
  const title = element("b");
  const totals = element("span", { class: "decart-totals", "aria-live": "off" });
  const hint = element("span", { class: "decart-hint", role: "status" });
  const summary = element("div", { class: "decart-summary" }, title, totals, hint);
  const header = element("div", { class: "decart-header" }, summary, stopButton(context, hint));

  const shares = SHARES.map((share) => element("div", { class: `decart-is-${share}` }));
  const bar = element("div", { class: "decart-bar", role: "progressbar", "aria-valuemin": "0" }, ...shares);
  const lines = element("div", { class: "decart-lines", role: "list", "aria-label": "Running jobs" });
  const more = element("div", { class: "decart-hint decart-more", hidden: true });
  const note = element("div", { class: "decart-note", role: "status" });

  root.classList.add("decart-sweep");
  root.setAttribute("role", "group");
  root.append(element("style", {}, hideFallback(model)), header, bar, lines, more, note);

  watch(["change:title"], () => {
    title.textContent = model.get("title");
    root.setAttribute("aria-label", `Progress of ${model.get("title")}`);
    bar.setAttribute("aria-label", `Progress of ${model.get("title")}`);
  });
  watch(["change:totals", "change:over", "change:rows_ended", "change:row_count"], () => {
    // Totals change up to ten times a second; a screen reader announces only the last ones.
    totals.setAttribute("aria-live", model.get("over") ? "polite" : "off");
    totals.replaceChildren(
      ...model.get("totals").map(([category, text]) => {
        const mark = element("span", { class: `decart-mark decart-is-${category}` });
        return element("span", { class: "decart-total" }, ...(MARKED.includes(category) ? [mark] : []), text);
      }),
    );
    bar.setAttribute("aria-valuemax", model.get("row_count"));
    bar.setAttribute("aria-valuenow", model.get("rows_ended"));
    bar.setAttribute("aria-valuetext", model.get("totals").map(([, text]) => text).join(", "));
  });
  watch(["change:shares"], () => {
    model.get("shares").forEach((share, index) => {
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
    // Once shown, its height stays reserved until the end, so that what is below does not move.
    more.hidden = !jobs.length || (more.hidden && !model.get("more"));
  });
  watch(["change:note"], () => {
    note.textContent = model.get("note");
    note.hidden = !model.get("note");
  });
});
