"""Posters of stored videos: made once, in the background or on first need."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

import decart_nb as dnb
from decart_nb import MediaError
from decart_nb.job.posters import make_later, poster_of, posters_of
from decart_nb.store.store import Store
from tests.sweeping import SHORT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _comes(store: Store, digest: str) -> Path:
    until = time.monotonic() + 60
    while (path := store.files.poster(digest)) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    return path


def test_a_poster_is_made_once_and_found_again(store, small_video) -> None:
    digest = _digest(small_video)
    content = poster_of(store, digest, small_video)
    assert Image.open(io.BytesIO(content)).size == (64, 48)
    gone = Path("gone.mp4")
    assert poster_of(Store(store.folder), digest, gone) == content == store.files.poster(digest).read_bytes()


def test_without_a_store_or_a_digest_it_is_made_and_kept_nowhere(store, small_video) -> None:
    digest = _digest(small_video)
    assert poster_of(None, digest, small_video) == poster_of(store, "", small_video)
    assert store.files.poster(digest) is None


@pytest.mark.parametrize(
    "damage", [b"", b"RIFF", b"<svg onload=alert(1)>" * 9, None], ids=["empty", "cut", "other", "half"]
)
def test_a_poster_that_is_not_whole_is_made_again(store, small_video, damage) -> None:
    digest = _digest(small_video)
    content = poster_of(store, digest, small_video)
    store.files.poster(digest).write_bytes(content[: len(content) // 2] if damage is None else damage)
    assert poster_of(store, digest, small_video) == content == store.files.poster(digest).read_bytes()


def test_a_video_that_cannot_be_decoded_is_not_decoded_again(store, small_video, tmp_path) -> None:
    broken = tmp_path / "broken.mp4"
    content = small_video.read_bytes()
    broken.write_bytes(b"\0" * len(content))
    os.utime(broken, (1, 1))
    with pytest.raises(MediaError, match=r"broken\.mp4"):
        poster_of(store, "a" * 64, broken)
    broken.write_bytes(content)
    os.utime(broken, (1, 1))  # which looks like the same file: it is not read
    with pytest.raises(MediaError, match=r"broken\.mp4"):
        poster_of(store, "a" * 64, broken)
    os.utime(broken, (2, 2))
    assert poster_of(store, "a" * 64, broken)


def test_a_video_that_is_missing_may_come_back(store, small_video, tmp_path) -> None:
    video = tmp_path / "late.mp4"
    with pytest.raises(MediaError, match=r"late\.mp4"):
        poster_of(store, "a" * 64, video)
    shutil.copy(small_video, video)
    assert poster_of(store, "a" * 64, video)


def test_a_store_that_cannot_be_written_still_shows_posters(store, small_video) -> None:
    (store.folder / "posters").write_text("in the way")
    assert poster_of(store, _digest(small_video), small_video)


def test_many_posters_are_the_same_as_one_by_one_and_are_stored_with_an_error_where_there_is_none(
    store, small_video, tmp_path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0" * 500)
    stored = poster_of(store, "a" * 64, small_video)
    videos = {"b" * 64: small_video, "c" * 64: broken, "a" * 64: tmp_path / "gone.mp4", "no digest": small_video}
    first, *others = posters_of(store, videos)
    assert first == ("a" * 64, stored)
    made = dict(others)
    assert isinstance(made.pop("c" * 64), MediaError)
    assert made == {"b" * 64: stored, "no digest": stored}
    assert {path.stem for path in (store.folder / "posters").iterdir()} == {"a" * 64, "b" * 64}
    assert dict(posters_of(store, {"b" * 64: tmp_path / "gone.mp4"})) == {"b" * 64: stored}


def test_missing_posters_are_made_in_the_background(store, small_video, tmp_path) -> None:
    digests = [f"{number:064x}" for number in range(20)]
    for digest in digests:
        make_later(store, digest, small_video)
    make_later(store, "b" * 64, tmp_path / "gone.mp4")
    make_later(store, "c" * 64, small_video)
    for digest in (*digests, "c" * 64):
        _comes(store, digest)
    assert store.files.poster("b" * 64) is None


def test_threads_that_want_the_same_poster_get_the_same(store, small_video) -> None:
    digest = _digest(small_video)
    with ThreadPoolExecutor(8) as threads:
        made = {*threads.map(lambda _: poster_of(store, digest, small_video), range(40))}
    assert made == {store.files.poster(digest).read_bytes()}
    assert [path.name for path in (store.folder / "posters").iterdir()] == [f"{digest}.webp"]


def test_a_video_that_was_made_gets_its_poster(canned_queue, small_video, monkeypatch) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT)
    clip = dnb.submit("lucy-2.5", prompt="a", data=small_video).result(timeout=60)
    poster = _comes(Store(Path("decart_runs")), clip.sha256)
    shutil.rmtree(poster.parent)  # as in a store from before
    assert poster_of(Store(Path("decart_runs")), clip.sha256, clip.path)
    assert poster.is_file()


def _run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_a_process_ends_at_once_with_posters_left_to_make(store, small_video) -> None:
    script = f"""
        from pathlib import Path
        from decart_nb.job.posters import make_later
        from decart_nb.store.store import Store
        store = Store(Path({str(store.folder)!r}))
        for number in range(5_000):
            make_later(store, f"{{number:064x}}", Path({str(small_video)!r}))
        print("ends")
    """
    assert _run(script) == "ends\n"
    assert not [*store.folder.rglob("*.part")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_makes_posters_of_its_own(store, small_video) -> None:
    script = f"""
        import os, time, warnings
        from pathlib import Path
        from decart_nb.job.posters import make_later, poster_of, posters_of
        from decart_nb.store.store import Store
        warnings.simplefilter("ignore")
        folder, video = Path({str(store.folder)!r}), Path({str(small_video)!r})
        store = Store(folder)
        digests = [f"{{number:064x}}" for number in range(50)]
        for digest in digests:
            make_later(store, digest, video)
        until = time.monotonic() + 30
        while not any(map(store.files.poster, digests)) and time.monotonic() < until:
            time.sleep(0.01)  # the thread still imports what it needs: a fork now would wait for its import for ever
        child = os.fork()
        if child == 0:
            made = poster_of(store, "a" * 64, video)
            make_later(store, "b" * 64, video)
            until = time.monotonic() + 30
            while store.files.poster("b" * 64) is None and time.monotonic() < until:
                time.sleep(0.02)
            os._exit(0 if made and store.files.poster("b" * 64) else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert _run(script) == "0\n"
