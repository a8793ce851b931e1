// What every live view has in common. See base.py.

/** An element with attributes, properties (functions and booleans) and children; text is always text, never HTML. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "boolean") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * A view, from what draws it. `draw` gets
 *   model, root        what anywidget gives, and the element to draw into
 *   listen, watch      to hear an event of an element, and changes of the model: both end with the view
 *   ended              a signal that aborts when the view is removed
 * Whatever goes wrong in it is shown below it, and told to Python as `problem`.
 */
export function view(draw) {
  return {
    render({ model, el }) {
      const ending = new AbortController();
      const ended = ending.signal;
      const root = element("div", { class: "decart", tabindex: "-1" });
      const problem = element("p", { class: "decart-problem", role: "alert", hidden: true });
      el.classList.add("decart-live");
      el.append(root, problem);

      const fail = (error) => {
        model.set("problem", String(error?.message ?? error));
        model.save_changes();
      };
      const guarded = (act) => async (...given) => {
        try {
          await act(...given);
        } catch (error) {
          fail(error);
        }
      };
      const watch = (names, act) => {
        const careful = guarded(act);
        for (const name of names) model.on(name, careful);
        ended.addEventListener("abort", () => names.forEach((name) => model.off(name, careful)), { once: true });
        return careful();
      };
      const listen = (target, type, act) => target.addEventListener(type, guarded(act), { signal: ended });

      const end = () => {
        ending.abort();
        el.replaceChildren();
      };
      // Its kernel has gone, and does not come back to it: what remains is its static form.
      model.on("comm_live_update", end);
      ended.addEventListener("abort", () => model.off("comm_live_update", end), { once: true });

      watch(["change:problem"], () => {
        problem.textContent = model.get("problem");
        problem.hidden = !problem.textContent;
      });
      guarded(draw)({ model, root, listen, watch, ended });
      return end;
    },
  };
}
