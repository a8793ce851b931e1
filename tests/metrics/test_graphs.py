"""Filters that write a log of their own, as libvmaf does, in place of the frames' metadata."""

from __future__ import annotations

import itertools
import json

from decart_nb.media.timed_frames import timed_frames
from decart_nb.metrics.graphs import PairGraph
from decart_nb.metrics.metric import Branch, FilterMetric
from decart_nb.metrics.reducing import LoggedMean


class _LinesOfPsnr(LoggedMean):
    """Reads the log of ``psnr``, which every FFmpeg has, as if it were that of ``libvmaf``."""

    def read(self, log: str) -> None:
        scores = [float(line.split("psnr_y:")[1].split()[0]) for line in log.splitlines()]
        super().read(json.dumps({"pooled_metrics": {"vmaf": {"mean": sum(scores) / len(scores)}}}))


def test_a_log_is_read_when_the_graph_has_ended(small_video) -> None:
    logged = FilterMetric(
        name="logged", filter=("psnr", "stats_file={log}"), branch=Branch(), reduce=lambda: _LinesOfPsnr("vmaf")
    )
    graph = PairGraph([logged], ())
    frames = [frame.picture for frame in timed_frames(small_video)]
    for number, (frame, other) in enumerate(itertools.pairwise(frames)):
        graph.push(frame, other, number / 10, 10.0, (0, 0))
    assert 10 < graph.values(1.0)["logged"] < 60
