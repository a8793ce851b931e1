"""Paths as people read them."""

from __future__ import annotations

import pytest

from decart_nb._util.paths import without_folders


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot open /home/me/x/in.png: no such file", "cannot open in.png: no such file"),
        ("see https://a.b/c/d.mp4, 3/4 and a/b", "see https://a.b/c/d.mp4, 3/4 and a/b"),
        (r"'C:\Users\me\a.mp4' and ~/runs/x.mp4.", "'a.mp4' and x.mp4."),
    ],
)
def test_a_text_names_files_without_their_folders(text: str, shown: str) -> None:
    assert without_folders(text) == shown
