// Base of all live views: lifecycle, error message, and the parts that several views share. See live_view.py.

/** An element with attributes, properties (booleans) and children. Strings become text nodes, never HTML. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "boolean") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Sets an element's text if it differs: a screen reader announces every change of a status. */
export function setText(part, text) {
  if (part.textContent !== text) part.textContent = text;
}

/** A progress bar of a job. `update` sets its value from 0 to 1, its text and its label. */
export function progressBar() {
  const fill = element("div");
  const attributes = { class: "decart-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" };
  const bar = element("div", attributes, fill);
  return {
    bar,
    fill,
    update(progress, text, label) {
      const percent = Math.round(1000 * progress) / 10;
      fill.style.width = `${percent}%`;
      bar.setAttribute("aria-valuenow", percent);
      bar.setAttribute("aria-valuetext", text);
      bar.setAttribute("aria-label", `Estimated progress of ${label}`);
    },
  };
}

/** Milliseconds after which an unanswered request to stop is made again: a page that was just loaded may lose one. */
const ASK_AGAIN = 5000;

/** The stop button of a StoppableView, which `hint` replaces where it has text. */
export function stopButton({ model, listen, watch, hide, disable, signal }, hint) {
  const button = element("button", { type: "button" });
  let asking = 0;
  signal.addEventListener("abort", () => clearInterval(asking), { once: true });
  watch(["change:stop_label", "change:stop_hint"], () => {
    clearInterval(asking);
    button.textContent = model.get("stop_label");
    hide(button, !model.get("stop_label") || Boolean(model.get("stop_hint")));
    button.disabled = false;
    setText(hint, model.get("stop_hint"));
  });
  listen(button, "click", () => {
    disable(button);
    hint.textContent = "requested; a busy kernel receives it after its cell";
    const ask = () => model.send({ action: "stop" });
    ask();
    asking = setInterval(ask, ASK_AGAIN);
  });
  // Some kernels receive messages while a cell blocks, others after it; this one tells the kernel which it is.
  model.send({ action: "ready" });
  return button;
}

/** Copies the code in a `<pre>`, and promises what is said of it. Where that is not possible, it is shown and selected. */
export async function copyCode(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return "copied";
  } catch {
    // Browsers give the clipboard to secure pages only, and not to every frame.
    code.hidden = false;
    getSelection().selectAllChildren(code);
    return "selected, to be copied";
  }
}

/** The style that hides the fallback of the static output beside a StoppableView while the view is alive. */
export function hideFallback(model) {
  // A style of the view, not a change of the static output, which is replaced at every update.
  return `.decart-output-${model.get("output_id")} .decart-fallback { display: none }`;
}

/**
 * An anywidget module whose content is drawn by `draw`, which gets
 *   model, root        anywidget's model, and the element to draw into
 *   listen, watch      observe an event of an element, or changes of the model, until the view is removed
 *   hide, disable      hide a part, or disable a button; the focus moves to the view if it was there
 *   signal             an AbortSignal that aborts when the view is removed
 * An error in any of them is shown below the view, and is set as the model's `problem`.
 */
export function view(draw) {
  return {
    render({ model, el }) {
      const controller = new AbortController();
      const { signal } = controller;
      const root = element("div", { class: "decart", tabindex: "-1" });
      const problem = element("p", { class: "decart-problem", role: "alert", hidden: true });
      el.classList.add("decart-live");
      el.append(root, problem);

      const guarded = (call) => async (...args) => {
        try {
          await call(...args);
        } catch (error) {
          model.set("problem", String(error?.message ?? error));
          model.save_changes();
        }
      };
      const watch = (names, call) => {
        const callback = guarded(call);
        for (const name of names) model.on(name, callback);
        signal.addEventListener("abort", () => names.forEach((name) => model.off(name, callback)), { once: true });
        return callback();
      };
      const listen = (target, type, call) => target.addEventListener(type, guarded(call), { signal });

      // Without the focus in the view, keys would go to the frontend's own shortcuts.
      const keepFocus = (part) => {
        if (part.contains(document.activeElement)) root.focus();
      };
      const hide = (part, hidden) => {
        if (hidden) keepFocus(part);
        part.hidden = hidden;
      };
      const disable = (button) => {
        keepFocus(button);
        button.disabled = true;
      };

      // A frontend looks for this attribute from the element with the focus up to the one that a shortcut is for, which is
      // the same element: on a part around it, it is not seen. Without it, the letter X would cut the cell.
      root.addEventListener("focusin", ({ target }) => {
        const part = target.closest("[data-lm-suppress-shortcuts]");
        if (root.contains(part)) target.setAttribute("data-lm-suppress-shortcuts", "true");
      }, { signal });
      // Of the shortcuts one is left: Escape goes back to the cell.
      root.addEventListener("keydown", ({ key, target, defaultPrevented }) => {
        const leaves = key === "Escape" && !defaultPrevented && target.hasAttribute("data-lm-suppress-shortcuts");
        if (leaves) root.closest(".jp-Cell")?.focus();
      }, { signal });

      const end = () => {
        controller.abort();
        el.replaceChildren();
      };
      // The kernel has gone: only the static output remains.
      model.on("comm_live_update", end);
      signal.addEventListener("abort", () => model.off("comm_live_update", end), { once: true });

      watch(["change:problem"], () => {
        problem.textContent = model.get("problem");
        problem.hidden = !problem.textContent;
      });
      guarded(draw)({ model, root, listen, watch, hide, disable, signal });
      return end;
    },
  };
}
