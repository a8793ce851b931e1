"""Which fsspec addresses are taken, and that no secret of them is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from decart_nb._util.addresses import PACKAGES, fault_of, file_name, is_storage_address, shown_address, without_pathlib


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://bucket/a/in.mp4", "s3://bucket/a/in.mp4"),
        ("S3://Bucket/A.mp4", "s3://Bucket/A.mp4"),
        ("s3://bucket/a@b:c.mp4", "s3://bucket/a@b:c.mp4"),
        ("s3://key:hunter2@bucket/in.mp4", "s3://bucket/in.mp4?…"),
        ("sftp://ann:hunter2@host:22/in.mp4", "sftp://host:22/in.mp4?…"),
        ("sftp://ann:hun?ter2@host/in.mp4", "sftp://host/in.mp4?…"),
        ("sftp://ann:hunter2/x@host/in.mp4", "sftp://…"),
        ("s3://bucket/in.mp4?token=hunter2", "s3://bucket/in.mp4?…"),
        ("s3://bucket?token=hunter2", "s3://bucket?…"),
        ("abfs://container@account.example/in.mp4", "abfs://container@account.example/in.mp4"),
        ("abfs://container@account.example/in.mp4?sig=hunter2", "abfs://container@account.example/in.mp4?…"),
        ("abfs://ann:hunter2@account/in.mp4", "abfs://account/in.mp4?…"),
        ("s3://bucket/in.mp4?…", "s3://bucket/in.mp4?…"),
        ("s3://key:hunter2/x@bucket/in.mp4", "s3://…"),
        ("s3://arn:aws:s3:us-east-1:1:accesspoint/name/in.mp4", "s3://arn:aws:s3:us-east-1:1:accesspoint/name/in.mp4"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, shown: str) -> None:
    assert shown_address(address) == shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    "text",
    ["C://in.mp4", "C:/in.mp4", "a:b.mp4", "s3:in.mp4", "http://host/in.mp4", "https://host/in.mp4", "file:///in.mp4"],
)
def test_a_drive_a_plain_name_and_an_address_of_another_kind_are_none(text: str) -> None:
    assert not is_storage_address(text)


@pytest.mark.parametrize("scheme", PACKAGES)
def test_pathlib_s_form_of_an_address_is_recognised(scheme: str) -> None:
    address = f"{scheme}://bucket/in.mp4"
    assert is_storage_address(address)
    assert without_pathlib(str(Path(address))) == without_pathlib(address) == address


@pytest.mark.parametrize("end", ["", "/", ".", "a/..", "a/../", "?token=1"])
def test_an_address_that_names_no_file_is_not_sound(end: str) -> None:
    assert "names no file" in str(fault_of(f"s3://{end}"))


@pytest.mark.parametrize("address", ["s3://key:hunter2/x@bucket/in.mp4", "sftp://ann:hunter2/x@host/in.mp4"])
def test_a_password_with_a_slash_is_refused_and_not_shown(address: str) -> None:
    fault = fault_of(address) or ""
    assert "credentials belong into the environment" in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "address", ["s3://bucket/a:b.mp4", "sftp://host:22/in.mp4", "s3://arn:aws:s3:us-east-1:1:accesspoint/name/in.mp4"]
)
def test_a_sound_address_has_no_fault(address: str) -> None:
    assert fault_of(address) is None


def test_a_file_s_name_is_the_end_of_its_path() -> None:
    assert file_name("s3://bucket/a%20b/c%20d.mp4?versionId=1") == "c%20d.mp4"
    assert file_name("memory://in.mp4") == "in.mp4"
