"""What a preview takes up on the disk: its video and its inputs once each, whoever keeps them."""

from __future__ import annotations

import shutil
from pathlib import Path

import decart_nb as dnb


def test_a_preview_is_on_the_disk_once_and_its_two_keepers_do_not_depend_on_each_other(small_image: Path) -> None:
    session = dnb.connect("local")
    clip = session.generate("lucy-pro-i2v", "x", data=small_image, resolution="480p", seed=1)
    job = session.store / "local" / "jobs" / clip.job_id
    assert (job / "video.mp4").samefile(clip.path)
    assert sorted(path.name for path in job.iterdir()) == ["job.json", "video.mp4"], "the input is in the store"

    session.prune(model=clip.model, delete=True)
    assert not clip.path.exists()
    again = session.attach(clip.job_id, clip.model).result(30)
    assert again.sha256 == clip.sha256
    assert (job / "video.mp4").samefile(again.path)

    shutil.rmtree(job)
    assert len(list(again.frames(fps=1))) == 5
    assert session.attach(clip.job_id).result(30).path == again.path
