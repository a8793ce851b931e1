// The states of a path that undo and redo go through. See trajectory.js.

/** The most states that are kept. */
const TRAJECTORY_KEPT = 200;

/**
 * States {points, stroke, smoothing, drawn}: the points before they are smoothed; the stroke that they were made of, or
 * null; over how many frames they are smoothed; and whether a stroke keeps the speed at which it was drawn.
 */
export class TrajectoryHistory {
  #states;
  #at = 0;
  #kind = "";

  constructor(points) {
    this.#states = [{ points, stroke: null, smoothing: 0, drawn: false }];
  }

  get state() {
    return this.#states[this.#at];
  }

  /** Adds a state. One of the same kind as the state before, if they have any, takes its place. */
  add(state, kind) {
    if (kind && kind === this.#kind) {
      this.replace(state);
      return;
    }
    this.#kind = kind;
    this.#states = [...this.#states.slice(0, this.#at + 1), state].slice(-TRAJECTORY_KEPT);
    this.#at = this.#states.length - 1;
  }

  replace(state) {
    this.#states[this.#at] = state;
  }

  canGo(steps) {
    return Boolean(this.#states[this.#at + steps]);
  }

  /** Goes back or forth, and tells whether there was such a state. */
  go(steps) {
    const can = this.canGo(steps);
    if (can) this.#at += steps;
    this.#kind = "";
    return can;
  }
}
