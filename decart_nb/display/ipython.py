"""Display of jobs, clips and sweeps in IPython and Jupyter kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from ..job.clip import Clip
from ..job.job import Job
from . import environment
from .cell_schedule import CellSchedule
from .clip_html import EmbedBudget, clip_html
from .compare_output import CompareOutput
from .job_output import JobOutput
from .output_widget import open_output, output_publisher
from .sweep_output import SweepOutput
from .text import clip_caption

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration
    from ..rating.rating import Rating
    from ..sweeps.sweep import Sweep
    from .comparison import Comparison
    from .form import Form
    from .grid import ClipGrid
    from .keyframes import Keyframes
    from .trajectory import Trajectory


class NotebookDisplay:
    """Shows the jobs, clips and sweeps of one IPython shell, each once in a cell.

    Args:
        shell: the ``InteractiveShell``.

    Attributes:
        schedule: runs calls around the execution of the shell's cells.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.schedule = CellSchedule()
        # What has been shown, and the execution count of the cell that did. That cell's last line does not repeat it.
        self._shown_in: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        # The sweeps that were shown at the start of a run that has not ended.
        self._running: WeakSet[Sweep] = WeakSet()
        self._embed_budget = EmbedBudget()
        self._folder: Path | None = None

    def register(self) -> None:
        """Register formatters for jobs, clips and sweeps."""
        shell = self._shell
        self._folder = environment.served_folder(shell)  # at once: the working directory may change
        bundles = shell.display_formatter.mimebundle_formatter
        displays = shell.display_formatter.ipython_display_formatter
        bundles.for_type(Clip, self._clip_bundle)
        displays.for_type(Clip, self._skip_echo)
        if getattr(shell, "kernel", None) is not None:
            self.schedule.register(shell)
            displays.for_type(Job, lambda job: self.show_unless_echo(job, self.show))
            # By name, the public one, so that sweeps and pandas are not imported.
            displays.for_type_by_name("decart_nb.display.grid", "ClipGrid", self.show_grid)
            displays.for_type_by_name("decart_nb.rating.rating", "Rating", self.show_rating)
            displays.for_type_by_name(
                "decart_nb.adaptive.exploration",
                "Exploration",
                lambda exploration: self.show_unless_echo(exploration, self.show_exploration),
            )
            displays.for_type_by_name("decart_nb", "Sweep", lambda sweep: self.show_unless_echo(sweep, self.show_sweep))

    def show(self, job: Job) -> None:
        """Show a job, and when it has ended its clip or error."""
        cell_id, run = environment.cell_id(self._shell), self._shell.execution_count
        self._shown_in[job] = run

        def on_end(job: Job) -> None:
            if job.clip is not None:
                self._shown_in[job.clip] = run

        JobOutput(
            job,
            **self._output_options(),
            on_end=on_end,
            embed=lambda size: self._embed_budget.take(size, cell_id, run),
            folder=self._folder,
        )

    def show_sweep(self, sweep: Sweep, *, starting: bool = False) -> None:
        """Show a sweep's totals and running jobs.

        Args:
            sweep: the sweep.
            starting: whether its run starts now. It is then shown once in the cell.
        """
        run = self._shell.execution_count
        if starting and sweep in self._running and self._shown_in.get(sweep) == run:
            return
        self._shown_in[sweep] = run
        if starting:
            self._running.add(sweep)
        SweepOutput(
            sweep,
            **self._output_options(),
            starting=starting,
            on_end=self._running.discard,
            folder=self._folder,
        )

    def show_comparison(self, comparison: Comparison) -> None:
        """Show a comparison."""
        CompareOutput(comparison, **self._output_options())

    def show_trajectory(self, trajectory: Trajectory) -> None:
        """Show a trajectory, to be drawn."""
        from .trajectory_output import TrajectoryOutput

        TrajectoryOutput(trajectory, **self._output_options())

    def show_keyframes(self, keyframes: Keyframes) -> None:
        """Show a video, to pick frames of."""
        from .keyframes_output import KeyframesOutput

        KeyframesOutput(keyframes, **self._output_options(), folder=self._folder)

    def show_form(self, form: Form) -> None:
        """Show a form."""
        from .form_output import FormOutput

        FormOutput(form, **self._output_options(), folder=self._folder)

    def show_grid(self, grid: ClipGrid) -> None:
        """Show a grid of clips."""
        from .grid_output import GridOutput

        GridOutput(grid, **self._output_options(), folder=self._folder)

    def show_rating(self, rating: Rating) -> None:
        """Show a blind rating."""
        from .rating_output import RatingOutput

        RatingOutput(rating, **self._output_options())

    def show_exploration(self, exploration: Exploration) -> None:
        """Show an exploration. One that votes by a function needs no buttons."""
        from .exploration_output import ExplorationOutput

        self._shown_in[exploration] = self._shell.execution_count
        options = self._output_options()
        by_person = exploration.options.function is None
        ExplorationOutput(exploration, **options | {"live": options["live"] and by_person})

    def show_unless_echo(self, value: Any, show: Callable[[Any], None]) -> None:
        """Show a value, unless it is the last line of the cell that has shown it already.

        Args:
            value: a job, a sweep or an exploration.
            show: shows it.
        """
        if self._shown_in.pop(value, None) != self._shell.execution_count:
            show(value)
            self._shown_in.pop(value, None)

    def _skip_echo(self, clip: Clip) -> None:
        if self._shown_in.pop(clip, None) != self._shell.execution_count:
            raise NotImplementedError  # IPython then uses the next formatter

    def _clip_bundle(self, clip: Clip) -> dict[str, Any]:
        embed = self._embed_budget.take(clip.size_bytes, environment.cell_id(self._shell), self._shell.execution_count)
        return {
            "text/html": clip_html(clip, self._folder, embed=embed),
            "text/plain": " · ".join(clip_caption(clip)),
        }

    def _output_options(self) -> dict[str, Any]:
        """How an output of the running cell is published."""
        live, output = environment.is_interactive(), open_output(self._shell)
        return {"publish": self._publisher(output, live=live), "live": live, "replaceable": output is None}

    def _publisher(self, output: Any | None, *, live: bool) -> Callable[..., None]:
        """A function that publishes a MIME bundle under a display id; with ``update=True``, it replaces that output.

        Args:
            output: the ``ipywidgets.Output`` that captures what the cell publishes, if any.
            live: whether the session is interactive.
        """
        schedule = self.schedule
        if output is not None:
            later = schedule.run_when_idle if live else schedule.run_before_next_cell
            return output_publisher(self._shell, output, later)

        def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
            # A display id works from the background thread too, and after its cell has returned.
            call = partial(self._shell.display_pub.publish, data, transient={"display_id": display_id}, update=update)
            if live:
                schedule.run(call)
            else:
                schedule.run_in_cell(call)

        return publish


@functools.cache
def notebook_display(shell: Any) -> NotebookDisplay:
    """The display of a shell; always the same one."""
    return NotebookDisplay(shell)
