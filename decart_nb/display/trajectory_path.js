// Paths of a trajectory as plain data: points {frame, x, y}, with x and y as fractions of the image. See trajectory.js.

/** How far a path may be off when points are left out, as a fraction of the image's longer side. */
const TRAJECTORY_TOLERANCE = 0.0012;
/** The smoothing reaches over this many of its own widths. */
const TRAJECTORY_REACH = 3;

/** The distance of two places, in pixels of the image. */
function trajectoryDistance(a, b, { width, height }) {
  return Math.hypot((a.x - b.x) * width, (a.y - b.y) * height);
}

/** The place between two others, at a fraction of the way. */
function trajectoryBetween(a, b, fraction) {
  return { x: a.x + (b.x - a.x) * fraction, y: a.y + (b.y - a.y) * fraction };
}

/** Where a path is at a frame: in a straight line between two points, at rest before the first and after the last. */
export function trajectoryAt(points, frame) {
  const next = points.findIndex((point) => point.frame > frame);
  if (next === 0) return points[0];
  if (next < 0) return points.at(-1);
  const [a, b] = [points[next - 1], points[next]];
  return trajectoryBetween(a, b, (frame - a.frame) / (b.frame - a.frame));
}

/** Places with their progress from 0 to 1: by the length of the way, or, with `drawn`, by the time of their drawing. */
function trajectoryProgress(places, size, drawn) {
  let way = 0;
  const passed = places.map((place, index) => {
    if (index) way += trajectoryDistance(places[index - 1], place, size);
    return drawn ? place.time - places[0].time : way;
  });
  const whole = passed.at(-1);
  return places.map(({ x, y }, index) => ({ x, y, frame: whole ? passed[index] / whole : index / (places.length - 1) }));
}

/** A path through the places of a stroke {x, y, time} from one frame to another, with only the points that it needs. */
export function trajectoryOfStroke(stroke, first, last, size, drawn) {
  const progress = trajectoryProgress(stroke, size, drawn);
  const count = Math.max(1, last - first);
  const dense = Array.from({ length: count + 1 }, (_, index) => {
    const { x, y } = trajectoryAt(progress, index / count);
    return { frame: first + index, x, y };
  });
  return trajectoryThinned(dense, size);
}

/** The same points, at frames by which the path is followed at even speed; no two of them at one frame. */
export function trajectoryEven(points, first, last, size) {
  if (points.length < 2) return points.map((point) => ({ ...point, frame: first }));
  return trajectoryDistinct(
    trajectoryProgress(points, size, false).map(({ frame, ...place }) => ({ frame: first + frame * (last - first), ...place })),
    first,
    last,
  );
}

/** The same path from one frame to another. */
export function trajectoryStretched(points, first, last) {
  const [from, to] = [points[0].frame, points.at(-1).frame];
  const scale = to > from ? (last - first) / (to - from) : 0;
  return trajectoryDistinct(points.map((point) => ({ ...point, frame: first + (point.frame - from) * scale })), first, last);
}

/** Points at whole frames, each later than the one before. There must be as many frames as points. */
function trajectoryDistinct(points, first, last) {
  const frames = points.map((point) => Math.round(point.frame));
  for (let index = 0; index < frames.length; index++) {
    frames[index] = Math.max(frames[index], index ? frames[index - 1] + 1 : first);
  }
  for (let index = frames.length - 1; index >= 0; index--) {
    frames[index] = Math.min(frames[index], last - (frames.length - 1 - index));
  }
  return points.map(({ x, y }, index) => ({ frame: frames[index], x, y }));
}

/** The path smoothed over a number of frames; its first and last points stay. */
export function trajectorySmoothed(points, frames, size) {
  if (!frames || points.length < 3) return points;
  const [first, last] = [points[0].frame, points.at(-1).frame];
  const dense = Array.from({ length: last - first + 1 }, (_, index) => trajectoryAt(points, first + index));
  // Beyond an end the path goes on as its mirror image in that end, so that the end stays where it is.
  const at = (index) => {
    if (index < 0) return trajectoryMirrored(dense[0], dense[Math.min(-index, dense.length - 1)]);
    if (index >= dense.length) return trajectoryMirrored(dense.at(-1), dense[Math.max(2 * dense.length - 2 - index, 0)]);
    return dense[index];
  };
  const reach = Math.ceil(TRAJECTORY_REACH * frames);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-(((index - reach) / frames) ** 2) / 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const smoothed = dense.map((_, index) => {
    let [x, y] = [0, 0];
    weights.forEach((weight, offset) => {
      const place = at(index + offset - reach);
      x += (weight / total) * place.x;
      y += (weight / total) * place.y;
    });
    return { frame: first + index, ...trajectoryInside({ x, y }) };
  });
  return trajectoryThinned(smoothed, size);
}

function trajectoryMirrored(end, place) {
  return { x: 2 * end.x - place.x, y: 2 * end.y - place.y };
}

/** The place in the image that is nearest. */
export function trajectoryInside({ x, y }) {
  return { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) };
}

/** As few of the points as lead past the places of all others at their frames. */
function trajectoryThinned(points, size) {
  const tolerance = TRAJECTORY_TOLERANCE * Math.max(size.width, size.height);
  const kept = new Set([0, points.length - 1]);
  const parts = [[0, points.length - 1]];
  while (parts.length) {
    const [begin, end] = parts.pop();
    let [farthest, most] = [0, tolerance];
    for (let index = begin + 1; index < end; index++) {
      const off = trajectoryDistance(points[index], trajectoryAt([points[begin], points[end]], points[index].frame), size);
      if (off > most) [farthest, most] = [index, off];
    }
    if (farthest) {
      kept.add(farthest);
      parts.push([begin, farthest], [farthest, end]);
    }
  }
  return points.filter((_, index) => kept.has(index));
}
