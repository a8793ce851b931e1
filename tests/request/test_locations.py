"""What a text names: a file of this machine, an address, or nothing, and then what was perhaps meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from decart_nb._util.remote_storage import RemoteStorage
from decart_nb.request.local_files import UnusableFileError
from decart_nb.request.locations import RemoteFile, display_location, locate, redacted_url, table_location

SECRET = "https://ann:hunter2@example.com:8080/a/in.mp4?X-Amz-Signature=5ec3e7&token=5ec3e7"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("in.mp4", "in.mp4"),
        ("-in.mp4", "-in.mp4"),
        ("-", "/dev/stdin"),
        ("file:///a/b%20c.mp4", "/a/b c.mp4"),
        ("FILE://localhost/a/in.mp4", "/a/in.mp4"),
        ("file:/a/caf%E9.mp4", os.fsdecode(b"/a/caf\xe9.mp4")),
        ("a:b.mp4", "a:b.mp4"),
        ("C:/in.mp4", "C:/in.mp4"),
        ("there s3://x", "there s3://x"),
    ],
)
def test_a_text_is_a_path(text: str, path: str) -> None:
    assert locate(text) == Path(path)


@pytest.mark.parametrize(
    "url", ["http://example.com/in.mp4", "HTTPS://EXAMPLE.com", "http://[::1]:80/a%20b?c=d", SECRET]
)
def test_a_text_is_an_address(url: str) -> None:
    found = locate(url)
    assert isinstance(found, RemoteFile)
    assert found.url == url


@pytest.mark.parametrize(
    "address", ["s3://bucket/a b?.mp4", "GS://bucket/in.mp4", "memory://in.mp4", "sftp://ann@host/a"]
)
def test_a_text_is_an_fsspec_address(address: str) -> None:
    found = locate(address)
    assert isinstance(found, RemoteStorage)
    assert found.address == address


def test_a_file_of_this_machine_goes_before_an_address() -> None:
    Path("s3:/bucket").mkdir(parents=True)
    Path("s3:/bucket/in.mp4").touch()
    assert locate("s3://bucket/in.mp4") == Path("s3://bucket/in.mp4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is an empty text"),
        (
            "ftp://host/in.mp4",
            "kind ftp:, which is not fetched; download the file and give its path, or give an address",
        ),
        ("python://x/in.mp4", "kind python:, which is not fetched"),
        ("reference://x", "kind reference:, which is not fetched"),
        ("github://owner:repo@/in.mp4", "kind github:, which is not fetched"),
        ("zip://in.mp4::s3://bucket/a.zip", "kind zip:, which is not fetched"),
        ("s3://bucket/in.mp4::s3://other/in.mp4", "is a chain of addresses"),
        ("s3://", "names no file"),
        ("s3:///", "names no file"),
        ("s3://bucket/in.mp4\n", "cannot be seen"),
        ("s3:/bucket/in.mp4", "Did you mean 's3://bucket/in.mp4', as text and not as a Path"),
        ("sftp://host/in.mp4?…", "Give the whole address again."),
        ("DATA:video/mp4;base64,AAAA", "kind data:"),
        ("blob:https://x/1", "kind blob:"),
        ("file://server/share/in.mp4", "a file of another machine, server"),
        (" in.mp4", "Did you mean 'in.mp4', without"),
        ("in.mp4\n", "Did you mean 'in.mp4', without"),
        ("\u202ain.mp4", "Did you mean 'in.mp4', without"),
        ("'in.mp4'", "Did you mean 'in.mp4', without"),
        ("“in.mp4”", "Did you mean 'in.mp4', without"),
        (" https://example.com/in.mp4", "Did you mean 'https://example.com/in.mp4', without"),
        ("https://example.com/in.mp4\n", "Did you mean 'https://example.com/in.mp4'?"),
        ("https://example.com/a b.mp4", "A blank in an address is %20."),
        ("https:/example.com/in.mp4", "Did you mean 'https://example.com/in.mp4', as text and not as a Path"),
        ("https://", "is not an address that a file can be fetched from"),
        ("https://example.com:x/in.mp4", "is not an address"),
        ("http://[::1/in.mp4", "is not an address"),
        ("https://example.com/in.mp4?…", "Give the whole address again."),
        ("~nobody-here/in.mp4", "cannot be read"),
    ],
)
def test_what_names_nothing_is_refused_with_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        locate(text)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_file_is_there_under_whatever_name_it_has(tmp_path: Path) -> None:
    for name in (" in.mp4", "'in.mp4'", "s3:", "in.mp4\n", os.fsdecode(b"caf\xe9.mp4")):
        Path(name).touch()
        assert locate(name) == Path(name)


def test_an_object_is_a_path_where_it_gives_one() -> None:
    class Gives:
        def __init__(self, what: Any) -> None:
            self.what = what

        def __fspath__(self) -> Any:
            if isinstance(self.what, Exception):
                raise self.what
            return self.what

    assert locate(Gives("a.mp4")) == locate(Gives(b"a.mp4")) == Path("a.mp4")
    for rubbish in (5, None, Gives("a"), ValueError("no"), KeyError()):
        with pytest.raises(UnusableFileError, match="gives no path; give the path as text"):
            locate(Gives(rubbish))


def test_no_secret_of_an_address_is_shown() -> None:
    assert redacted_url(SECRET) == display_location(SECRET) == "https://example.com:8080/a/in.mp4?…"
    assert redacted_url("http://a:b@[::1/in.mp4?token=x") == "http://…"
    for bad in (SECRET + " ", " " + SECRET, SECRET.replace(":8080", ":x"), SECRET.replace("://", ":/"), f'"{SECRET}"'):
        with pytest.raises(UnusableFileError) as caught:
            locate(bad)
        for said in (str(caught.value), display_location(bad)):
            assert "hunter2" not in said, bad
            assert "5ec3e7" not in said, bad
    assert display_location("ftp://ann:hunter2@example.com/in.mp4") == "ftp://example.com/in.mp4?…"


def test_a_table_has_paths_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    inside, outside = tmp_path / "work" / "a" / "in.mp4", tmp_path / "in.mp4"
    assert table_location(str(inside)) == table_location(inside.as_uri()) == "a/in.mp4"
    assert table_location(str(outside)) == "../in.mp4"
    assert table_location("a/in.mp4") == "a/in.mp4"
    assert table_location(SECRET) == display_location(SECRET)
