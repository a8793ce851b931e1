// Live view of a form: a model, its fields, the cost, and the jobs that were made with it. See form_view.py.
import { formField } from "./form_fields.js";
import { formJobs } from "./form_jobs.js";
import { fileUploads } from "./form_upload.js";
import { copyCode, element, hideFallback, setText, view } from "./live_view.js";
import { mediaChannel } from "./media_channel.js";

/** Milliseconds without another key after which what was typed goes to the kernel. */
const FORM_PAUSE = 300;
const FORM_GROUPS = { live: "Live at Decart", deprecated: "On their way out", retired: "Local queue only" };

export default view(({ model, root, listen, watch, signal }) => {
  const prefix = `decart-form-${Math.random().toString(36).slice(2)}`;
  const { url } = mediaChannel(model, signal);
  const upload = fileUploads(model, signal);
  const models = new Map(model.get("models").map((facts) => [facts.name, facts]));
  let values = { ...model.get("values") };
  let fields = new Map(); // name → field
  let drawn = null; // the name of the model whose fields are there, and what removes their listeners
  let timer = 0;
  let asked = false; // "Generate" was pressed, and no answer has come
  const uploading = new Map(); // field → {progress, cancel}
  const previews = new Map(); // field → {root, address}

  const choice = element("select", { id: `${prefix}-model` }, ...formOptions(models));
  const about = element("p", { class: "decart-form-about", id: `${prefix}-about` });
  choice.setAttribute("aria-describedby", about.id);
  const head = element(
    "div",
    { class: "decart-form-field" },
    element("label", { for: choice.id }, "Model"),
    element("div", { class: "decart-form-body" }, choice, about),
  );
  const list = element("div", { class: "decart-form-fields" });
  const generate = element("button", { type: "button", class: "decart-form-generate" }, "Generate");
  const cost = element("span", { class: "decart-form-cost", role: "status" });
  const copy = element("button", { type: "button" }, "Copy as code");
  const said = element("span", { class: "decart-hint", role: "status" });
  const code = element("pre", { class: "decart-form-code", tabindex: "0", "aria-label": "The call as code", hidden: true });
  const row = element("div", { class: "decart-form-actions" }, generate, cost, copy, said, code);
  const notice = element("p", { class: "decart-problem", role: "alert", hidden: true });
  const fitNote = element("p", { class: "decart-form-about", role: "status" });
  const made = element("ol", { class: "decart-form-jobs", "aria-label": "Clips of this form" });
  const attributes = { role: "group", "aria-label": "Form for a clip", "data-lm-suppress-shortcuts": "true" };
  const box = element("div", { class: "decart-form", ...attributes }, head, list, row, notice, fitNote, made);
  root.append(element("style", {}, hideFallback(model)), box);

  const send = () => {
    clearTimeout(timer);
    timer = 0;
    model.set({ model: choice.value, values: { ...values } });
    model.save_changes();
  };
  const dropPreview = (name) => {
    const preview = previews.get(name);
    if (!preview) return;
    previews.delete(name);
    preview.root.remove();
    URL.revokeObjectURL(preview.address);
  };
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    for (const { cancel } of uploading.values()) cancel.abort();
    for (const name of [...previews.keys()]) dropPreview(name);
    drawn?.listening.abort();
  }, { once: true });

  const actions = {
    changed(name, value, isLast) {
      values = { ...values, [name]: value };
      clearTimeout(timer);
      if (isLast) send();
      else timer = setTimeout(send, FORM_PAUSE);
    },
    async chosen(name, file) {
      uploading.get(name)?.cancel.abort();
      dropPreview(name);
      const cancel = new AbortController();
      uploading.set(name, { progress: 0, cancel });
      previews.set(name, formPreview(file));
      update();
      try {
        if (file.size > model.get("upload_limit")) {
          throw new Error(`${file.name} is too large to be uploaded; give its path instead.`);
        }
        await upload(name, file, cancel.signal, (progress) => {
          uploading.set(name, { progress, cancel });
          update();
        });
      } catch (error) {
        if (!cancel.signal.aborted) {
          dropPreview(name);
          setText(notice, error.message);
          notice.hidden = false;
        }
      }
      if (uploading.get(name)?.cancel === cancel) uploading.delete(name);
      if (!signal.aborted) update();
    },
    removed(name) {
      uploading.get(name)?.cancel.abort();
      uploading.delete(name);
      dropPreview(name);
      model.send({ action: "remove", field: name });
    },
  };
  function draw() {
    const facts = models.get(choice.value);
    if (drawn?.name === facts.name) return;
    drawn?.listening.abort();
    const listening = new AbortController();
    drawn = { name: facts.name, listening };
    const hear = (target, type, call) => target.addEventListener(type, call, { signal: listening.signal });
    fields = new Map(facts.fields.map((spec) => [spec.name, formField(spec, prefix, hear, actions)]));
    list.replaceChildren(...[...fields.values()].map((field) => field.root));
    setText(about, facts.about);
  }
  function update() {
    const [files, problems] = [model.get("files"), model.get("problems")];
    for (const [name, field] of fields) {
      const [file, progress] = [files[name], uploading.get(name)?.progress];
      const preview = previews.get(name);
      // Between the last piece of a file and word of it, it is neither uploading nor there.
      if (file && preview) preview.isThere = true;
      if (!file && preview?.isThere && progress === undefined) dropPreview(name);
      field.show({ value: values[name], file, progress, problem: problems[name], preview: previews.get(name) });
    }
  }
  const ask = () => {
    if (generate.disabled || uploading.size) {
      if (uploading.size) setText(said, "a file is still being uploaded");
      return;
    }
    clearTimeout(timer);
    asked = true;
    setText(said, "requested; a busy kernel receives it after its cell");
    model.send({ action: "generate", model: choice.value, values });
  };

  listen(choice, "change", () => {
    draw();
    update();
    send();
  });
  listen(generate, "click", ask);
  listen(copy, "click", async () => setText(said, await copyCode(code)));
  listen(box, "keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
    // Or the frontend would take Enter and letters for its own shortcuts.
    if (event.key !== "Escape" && event.key !== "Tab") event.stopPropagation();
  });

  const jobs = formJobs(made, {
    listen,
    signal,
    url,
    stop: (number) => model.send({ action: "stop", number }),
    repeat: (number) => model.send({ action: "repeat", number }),
  });
  watch(["change:model", "change:values"], () => {
    choice.value = model.get("model");
    if (!timer) values = { ...model.get("values") };
    draw();
    update();
  });
  watch(["change:files"], update);
  watch(["change:problems"], () => {
    update();
    const wrong = [...fields.values()].filter(({ root: part }) => part.classList.contains("decart-form-wrong"));
    if (asked && wrong.length) {
      asked = false;
      wrong[0].control.focus();
      setText(said, wrong.length === 1 ? "one field is to be corrected" : `${wrong.length} fields are to be corrected`);
    }
  });
  watch(["change:jobs"], () => {
    if (asked && model.get("jobs").length) {
      asked = false;
      setText(said, "");
    }
    jobs.show(model.get("jobs"));
  });
  watch(["change:is_busy", "change:cost"], () => {
    generate.disabled = model.get("is_busy");
    setText(generate, model.get("is_busy") ? "Submitting…" : "Generate");
    setText(cost, model.get("cost"));
  });
  watch(["change:code"], () => {
    code.textContent = model.get("code");
  });
  watch(["change:fit_note"], () => setText(fitNote, model.get("fit_note")));
  watch(["change:notice"], () => {
    setText(notice, model.get("notice"));
    notice.hidden = !model.get("notice");
    if (model.get("notice")) setText(said, "");
  });
});

/** The options of a choice of models, in groups by their status. */
function formOptions(models) {
  return Object.entries(FORM_GROUPS).flatMap(([status, label]) => {
    const names = [...models.values()].filter((facts) => facts.status === status).map(({ name }) => name);
    return names.length ? [element("optgroup", { label }, ...names.map((name) => element("option", { value: name }, name)))] : [];
  });
}

/** A small picture of a file that was chosen, and its address, which is to be revoked. */
function formPreview(file) {
  const address = URL.createObjectURL(file);
  const isVideo = file.type.startsWith("video/");
  const root = isVideo
    ? element("video", { src: address, muted: true, playsInline: true, preload: "metadata", "aria-hidden": "true" })
    : element("img", { src: address, alt: "" });
  root.className = "decart-form-preview";
  return { root, address };
}
