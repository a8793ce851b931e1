// The image of a trajectory with the path on it, its points as buttons, and the part that moves. See trajectory.js.
import { element, setText } from "./live_view.js";
import { trajectoryInside } from "./trajectory_path.js";

/** The radius of the part that the preview moves, to the image's shorter side; about what the local queue takes. */
const TRAJECTORY_PART = 0.16;
/** A stroke that is shorter, in pixels of the screen, is a click. */
const TRAJECTORY_CLICK = 5;
/** More points than these are drawn smaller. */
const TRAJECTORY_MANY = 16;

function trajectorySvg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * The stage. It calls `draw` with a stroke, `add` with a place, `choose` and `grab` with the number of a point, `moveTo`
 * with a number and a place, and `settle` when the point is let go of, with `false` if it goes back.
 */
export function trajectoryStage(picture, { listen, image, draw, add, grab, moveTo, settle, choose }) {
  const { name, width, height } = picture;
  const radius = TRAJECTORY_PART * Math.min(width, height);
  const ground = element("img", { alt: name, draggable: "false" });
  // A blurred hole where the part was, and the part itself: the same image, cut to a disc.
  const hole = element("img", { alt: "", class: "decart-trajectory-hole", draggable: "false" });
  const part = element("img", { alt: "", class: "decart-trajectory-part", draggable: "false" });
  const shapes = { "vector-effect": "non-scaling-stroke" };
  const lines = ["under", "over"].map((side) => trajectorySvg("polyline", { ...shapes, class: `decart-trajectory-${side}` }));
  const ring = trajectorySvg("circle", { ...shapes, r: radius, class: "decart-trajectory-ring" });
  const whole = { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const drawing = trajectorySvg("svg", whole, ...lines, ring);
  const handles = element("div", { class: "decart-trajectory-points" });
  const note = element("p", { class: "decart-trajectory-note" }, "loading …");
  const attributes = { class: "decart-trajectory-stage", tabindex: "0", role: "application" };
  attributes["aria-label"] = `${name}, ${width} by ${height} pixels. A adds a point, arrow keys move it.`;
  const box = element("div", attributes, ground, hole, part, drawing, handles, note);
  box.style.setProperty("--decart-trajectory-ratio", width / height);
  const buttons = [];

  image.then((url) => {
    for (const copy of [ground, hole, part]) copy.src = url;
    loaded = true;
    setText(note, waiting);
  }, (error) => setText(note, error.message));
  let loaded = false;
  let waiting = ""; // what the note says when the image is there

  /** Where the pointer is, as fractions of the image, at any zoom. */
  const fraction = ({ clientX, clientY }) => {
    const { left, top, width: wide, height: high } = ground.getBoundingClientRect();
    return trajectoryInside({ x: (clientX - left) / wide, y: (clientY - top) / high });
  };
  const inPixels = (points) => points.map(({ x, y }) => `${x * width},${y * height}`).join(" ");
  const showLine = (points) => {
    for (const line of lines) line.setAttribute("points", inPixels(points));
  };
  const labelOf = ({ frame, x, y }, index, total) =>
    `Point ${index + 1} of ${total}: frame ${frame}, x ${Math.round(x * width)}, y ${Math.round(y * height)}`;

  // Input
  let stroke = null; // {pointer, places, length, line}
  let moved = null; // {pointer, index, off, far}: a point that is dragged
  let shownPoints = [];
  const extend = (event) => {
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const one of coalesced.length ? coalesced : [event]) {
      const place = { ...fraction(one), time: one.timeStamp };
      const { clientX, clientY } = one;
      stroke.length += Math.hypot(clientX - stroke.at.clientX, clientY - stroke.at.clientY);
      stroke.at = { clientX, clientY };
      stroke.places.push(place);
    }
  };
  listen(box, "pointerdown", (event) => {
    if (event.button || stroke || moved || !loaded) return;
    event.preventDefault();
    const { pointerId, clientX, clientY } = event;
    box.setPointerCapture(pointerId);
    const index = buttons.indexOf(event.target);
    const place = fraction(event);
    if (index >= 0) {
      const point = shownPoints[index];
      moved = { pointer: pointerId, index, off: { x: point.x - place.x, y: point.y - place.y }, far: false };
      moved.at = { clientX, clientY };
      grab(index);
      return;
    }
    box.focus({ preventScroll: true });
    stroke = { pointer: pointerId, places: [{ ...place, time: event.timeStamp }], length: 0, at: { clientX, clientY } };
  });
  listen(box, "pointermove", (event) => {
    if (stroke?.pointer === event.pointerId) {
      extend(event);
      if (stroke.length >= TRAJECTORY_CLICK) {
        handles.hidden = true;
        showLine(stroke.places);
      }
    } else if (moved?.pointer === event.pointerId) {
      const { clientX, clientY } = moved.at;
      moved.far ||= Math.hypot(event.clientX - clientX, event.clientY - clientY) > 1;
      if (!moved.far) return;
      const { x, y } = fraction(event);
      moveTo(moved.index, { x: x + moved.off.x, y: y + moved.off.y });
    }
  });
  listen(box, "pointerup", (event) => {
    if (stroke?.pointer === event.pointerId) {
      extend(event);
      const { places, length } = stroke;
      stroke = null;
      handles.hidden = false;
      if (length < TRAJECTORY_CLICK) add(places[0]);
      else draw(places);
    } else if (moved?.pointer === event.pointerId) {
      moved = null;
      settle();
    }
  });
  /** Takes back what the pointer has begun, and tells whether there was something. */
  const cancel = () => {
    const some = Boolean(stroke || moved);
    if (moved) settle(false);
    if (stroke) showLine(shownPoints);
    stroke = moved = null;
    handles.hidden = false;
    return some;
  };
  listen(box, "pointercancel", cancel);

  function addButton() {
    const made = element("button", { type: "button", class: "decart-trajectory-point", tabindex: "-1" });
    made.setAttribute("aria-roledescription", "point");
    listen(made, "focus", () => choose(buttons.indexOf(made)));
    buttons.push(made);
    handles.append(made);
  }

  return {
    box,
    cancel,
    labelOf,
    isPoint: (target) => buttons.includes(target),
    hasFocus: () => buttons.includes(document.activeElement),
    focus(index) {
      const target = buttons[index] && !buttons[index].hidden ? buttons[index] : box;
      target.focus({ preventScroll: true });
    },
    note(text) {
      waiting = text;
      if (loaded) setText(note, text);
    },
    show(points, chosen) {
      shownPoints = points;
      showLine(points);
      while (buttons.length < points.length) addButton();
      handles.classList.toggle("decart-trajectory-many", points.length > TRAJECTORY_MANY);
      buttons.forEach((made, index) => {
        const point = points[index];
        if (!point && made === document.activeElement) box.focus({ preventScroll: true });
        made.hidden = !point;
        if (!point) return;
        made.tabIndex = index === chosen ? 0 : -1;
        made.classList.toggle("decart-trajectory-chosen", index === chosen);
        made.setAttribute("aria-label", labelOf(point, index, points.length));
        made.style.left = `${100 * point.x}%`;
        made.style.top = `${100 * point.y}%`;
      });
    },
    /** Shows the part at a place of the path, and the hole at its beginning; with no place, neither. */
    showAt(place, start) {
      for (const shape of [hole, part, ring]) shape.style.display = place ? "" : "none";
      if (!place) return;
      const disc = `circle(${(100 * radius * Math.SQRT2) / Math.hypot(width, height)}% at ${100 * start.x}% ${100 * start.y}%)`;
      hole.style.clipPath = part.style.clipPath = disc;
      part.style.transform = `translate(${100 * (place.x - start.x)}%, ${100 * (place.y - start.y)}%)`;
      ring.setAttribute("cx", place.x * width);
      ring.setAttribute("cy", place.y * height);
    },
  };
}
