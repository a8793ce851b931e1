"""What becomes of filters that write a log of their own, as libvmaf does, and of those that fail."""

from __future__ import annotations

import itertools
import json
import math

import av
import pytest

from decart_nb.media.timed_frames import timed_frames
from decart_nb.metrics.feeds import Frame, PictureFeed
from decart_nb.metrics.graphs import PairGraph
from decart_nb.metrics.metric import Branch, FilterMetric
from decart_nb.metrics.reducing import LoggedMean, Mean


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


class _Failing(Mean):
    def add(self, time, metadata, frame) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (av.error.MemoryError(12, "Cannot allocate memory"), False),
        (av.error.ArgumentError(22, "Invalid argument"), True),
    ],
    ids=["memory", "argument"],
)
def test_what_the_machine_lacks_is_no_lasting_fact_of_a_video(error, is_final, small_video) -> None:
    reducer = _Failing("x")
    reducer.error = error
    feed = PictureFeed(
        [FilterMetric(name="failing", filter=("null", ""), branch=Branch(), reduce=lambda: reducer)], Branch()
    )
    for frame in timed_frames(small_video):
        feed.add(Frame(frame, None))
    found = feed.results(1.0)["failing"]
    assert math.isnan(found.value)
    assert "FFmpeg's filters (null) cannot take this video" in found.error
    assert found.is_final is is_final
