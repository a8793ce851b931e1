// The fields of a form: one control for each input of a model, with what is wrong with it below. See form_view.py.
import { element, setText } from "./live_view.js";

const FORM_ACCEPTED = { image: "image/*", video: "video/*,image/gif,image/webp" };
const FORM_TRAJECTORY = '[{"frame": 0, "x": 0.3, "y": 0.5}, {"frame": 124, "x": 0.7, "y": 0.5}]';

/**
 * Makes the field of a spec. `actions` has `changed(name, value, isLast)`, called with what was filled in,
 * `chosen(name, file)` and `removed(name)`. Gives `{root, control, show({value, file, problem, progress})}`.
 */
export function formField(spec, prefix, listen, actions) {
  const id = `${prefix}-${spec.name}`;
  const problem = element("p", { class: "decart-form-problem", id: `${id}-problem`, hidden: true });
  const note = element("span", { class: "decart-form-note" });
  const parts = formControl(spec, id, note, listen, actions);
  const label = element("label", { for: parts.control.id }, spec.label);
  if (spec.required) label.append(element("span", { class: "decart-form-required", title: "required" }, " *"));
  const body = element("div", { class: "decart-form-body" }, parts.body, note, problem);
  const root = element("div", { class: `decart-form-field decart-form-${spec.type}`, "data-field": spec.name }, label, body);
  parts.control.setAttribute("aria-describedby", problem.id);
  if (spec.required) parts.control.setAttribute("aria-required", "true");
  return {
    root,
    control: parts.control,
    show(state) {
      parts.show(state);
      setText(problem, state.problem ?? "");
      problem.hidden = !state.problem;
      root.classList.toggle("decart-form-wrong", Boolean(state.problem));
      if (state.problem) parts.control.setAttribute("aria-invalid", "true");
      else parts.control.removeAttribute("aria-invalid");
    },
  };
}

function formControl(spec, id, note, listen, actions) {
  const { name, type } = spec;
  const follow = (control, value) => {
    listen(control, "input", () => actions.changed(name, value(), false));
    listen(control, "change", () => actions.changed(name, value(), true));
  };
  if (type === "flag") {
    const control = element("input", { type: "checkbox", id });
    follow(control, () => control.checked);
    setText(note, spec.note ?? "");
    return { control, body: control, show: ({ value }) => (control.checked = value ?? spec.default ?? false) };
  }
  if (type === "choice") {
    const options = spec.choices.map((choice) => element("option", { value: choice }, choice));
    const control = element("select", { id }, ...options);
    follow(control, () => control.value);
    return { control, body: control, show: ({ value }) => (control.value = value || spec.default || spec.choices[0]) };
  }
  if (type === "image" || type === "video") return formFile(spec, id, note, listen, actions);
  const isLong = type === "text" || type === "trajectory";
  const control = element(isLong ? "textarea" : "input", { id, spellcheck: String(type === "text"), autocomplete: "off" });
  if (isLong) control.rows = type === "text" ? 3 : 2;
  if (type === "trajectory") control.placeholder = FORM_TRAJECTORY;
  if (type === "integer") {
    control.inputMode = "numeric";
    control.placeholder = "any";
  }
  const count = () => {
    if (type === "text" && spec.maximum) setText(note, `${[...control.value].length} of ${spec.maximum} characters`);
    if (type === "trajectory") setText(note, "points as JSON; path.value of dnb.trajectory(image) has them");
  };
  listen(control, "input", count);
  follow(control, () => control.value);
  const show = ({ value }) => {
    if (control !== document.activeElement && control.value !== (value ?? "")) control.value = value ?? "";
    count();
  };
  return { control, body: control, show };
}

function formFile(spec, id, note, listen, actions) {
  const { name, type, label } = spec;
  const control = element("input", { type: "file", id, accept: FORM_ACCEPTED[type] });
  const path = element("input", { type: "text", "aria-label": `Path of ${label}`, placeholder: `or the path of a${type === "image" ? "n image" : " video"}` });
  const chosen = element("span", { class: "decart-form-chosen" });
  const remove = element("button", { type: "button", "aria-label": `Remove ${label}` }, "Remove");
  const row = element("div", { class: "decart-form-file" }, control, path, chosen, remove);
  listen(control, "change", () => {
    const [file] = control.files;
    if (file) actions.chosen(name, file);
  });
  listen(path, "input", () => actions.changed(name, path.value, false));
  listen(path, "change", () => actions.changed(name, path.value, true));
  listen(remove, "click", () => {
    control.value = "";
    actions.removed(name);
    control.hidden = path.hidden = false;
    control.focus();
  });
  const show = ({ value, file, progress, preview }) => {
    const held = document.activeElement;
    if (path !== held && path.value !== (value ?? "")) path.value = value ?? "";
    const text = progress !== undefined ? `uploading, ${Math.round(100 * progress)} %` : file ? `${file.name} · ${formSize(file.size)}` : "";
    setText(chosen, text);
    chosen.hidden = remove.hidden = !text;
    control.hidden = path.hidden = Boolean(text);
    if (held === control && control.hidden) remove.focus();
    if (preview?.root && preview.root.parentNode !== row) row.prepend(preview.root);
  };
  return { control, body: row, show };
}

/** A size in bytes, as a person says it. */
export function formSize(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
