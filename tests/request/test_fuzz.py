"""Odd names, tables and numbers: each is used as it is meant or refused in one sentence; nothing else is raised.

``DECART_NB_FUZZ=20000 pytest tests/test_inputs_fuzz.py`` tries more of them.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import decart_nb as dnb
from decart_nb.job.table import as_results
from decart_nb.request.catalogue import models
from decart_nb.request.locations import RemoteFile
from decart_nb.request.models import MAX_SEED, ModelDefinition
from decart_nb.request.request import Request, prepare
from decart_nb.request.uploads import Upload

EXAMPLES = int(os.environ.get("DECART_NB_FUZZ", "60"))
bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
OWN = ModelDefinition(name="own", width=64, height=64, fps=5)

PIECES = st.sampled_from(
    [
        *(
            "in",
            ".mp4",
            "/",
            "..",
            "~",
            "~x",
            " ",
            "\n",
            "\0",
            "'",
            '"',
            "“",
            "é",
            "\udce9",
            "\ud800",
            "\u202e",
            "\ufeff",
        ),
        *(
            "file:",
            "file://",
            "localhost",
            "memory://",
            "sf://",
            "https://",
            "HTTP://",
            "http:/",
            "data:",
            "@",
            ":",
            "?",
            "#",
            "%",
        ),
        *(
            "a:b@",
            "[::1]",
            "xn--",
            ".",
            "x" * 300,
            "/dev/zero",
            "/dev/fd/99",
            "/proc/self/mem",
            "\\",
            "*",
            "%00",
            "%E9",
        ),
    ]
)
NAMES = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=12)
CELLS = st.sampled_from(
    [
        *("prompt", "Seed", "seed ", "model", "lucy-pro-t2v", "data", "take", "promt", "status", "job_id", "{animal}"),
        *(
            "animal",
            "7",
            "7.0",
            "1e3",
            "-1",
            "NA",
            "",
            " ",
            "true",
            "=1+1",
            "#",
            "# note",
            "sep=;",
            "[",
            "{",
            '{"a": 1}',
        ),
        *('"', '""', ",", ";", "\t", "|", "\n", "\r\n", "\r", "\0", "\u2028", "\ufeff", "'=1", "\\", "é", "a cat"),
    ]
)
TABLES = st.lists(CELLS, max_size=30).map(lambda cells: "".join(cells).encode("utf-8")) | st.binary(max_size=40)
HEADS = st.sampled_from([b"prompt,seed\n", b"prompt\n", b"PK\x03\x04", b"PAR1", b"[", b'{"prompt": '])
HEADED = st.builds(lambda head, rest: head + rest, HEADS, TABLES)
SUFFIXES = st.sampled_from([".csv", ".tsv", ".txt", ".json", ".jsonl", ".xlsx", ".parquet"])


class Word(enum.StrEnum):
    ONE = "1"
    CAT = "a cat"


class Broken:
    """An object of which nothing works, but that a failing test can name it."""

    def _fails(self, *args: Any) -> Any:
        raise RuntimeError("broken")

    __str__ = __float__ = __index__ = __len__ = __iter__ = __fspath__ = __array__ = __eq__ = _fails
    __hash__ = object.__hash__


VALUES = [
    *(np.int8(7), np.uint64(2**64 - 1), np.float32(7), np.float64("nan"), np.bool_(True), np.str_("7"), np.array(7)),
    *(np.array([1, 2]), np.array("7"), np.datetime64("NaT"), np.datetime64("2026-01-02", "ns"), pd.NA, pd.NaT),
    *(pd.Timestamp("2026-01-02", tz="UTC"), dt.date(2026, 1, 2), Word.ONE, Word.CAT, Broken(), object, 10**400),
    *("7", "7.0", " 7 ", "1e3", "0x7", "true", "FALSE", "1", "NaN", "inf", "4294967296", "٧", [], {}, [[0, 0, 0]]),
    *(decimal.Decimal("1e999999"), fractions.Fraction(7), [(0, 0, 0), (1, 1, 1)], ["123"], "[[0,0,0],[1,1,1]]"),
]
ANY = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.fractions(), st.complex_numbers()),
    *(st.text(max_size=8), st.binary(max_size=4), st.sampled_from(VALUES)),
)
COLUMNS = st.sampled_from(["prompt", "seed", "take", "note", "Seed", "status", "job_id", "data", "trajectory"])
FIELDS = st.sampled_from(["seed", "enhance_prompt", "resolution", "prompt", "trajectory", "take", "note", "status"])


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A session that is never asked to send anything."""
    monkeypatch.delenv("DECART_BACKEND")
    return dnb.connect("live", api_key="dct_fuzz", base_url="http://127.0.0.1:9")


def read(model: ModelDefinition, **inputs: Any) -> Request | None:
    """A request, or nothing where it was refused in words."""
    try:
        return prepare(model, {"prompt": "a", **inputs})
    except dnb.DecartSDKError as error:
        told(error)
        return None


def told(error: dnb.DecartSDKError) -> None:
    """The message is for a person: lines that can be printed and encoded."""
    assert error.message
    for line in error.message.split("\n"):
        assert line.isprintable(), error.message
        line.encode()


def planned(*tables: Any, **axes: Any) -> None:
    try:
        plan = dnb.sweep(*tables, **{"model": "lucy-pro-t2v"} | axes).plan
    except dnb.DecartSDKError as error:
        told(error)
        return
    assert {*plan["plan"]} <= {"new", "reused", "invalid"}
    assert plan["why"].notna().tolist() == [
        state == "invalid" or bool(why) for state, why in zip(plan["plan"], plan["why"].fillna(""), strict=True)
    ]
    as_results(plan)
    repr(plan)


@bounded
@given(NAMES, st.booleans())
def test_any_name_is_a_file_or_refused(name: str, as_path: bool) -> None:
    class Given:
        def __fspath__(self) -> str:
            return name

    for model in (models.video("lucy-2.5"), OWN):
        request = read(model, data=Given() if as_path else name)
        if request is not None:
            assert isinstance(request.files["data"], RemoteFile)
            assert "a:b@" not in request.files["data"].shown.split("/")[2]
    planned(model=["lucy-2.5", OWN], prompt="a", data=[name, "in.mp4"])


@bounded
@given(NAMES)
def test_a_file_is_sent_under_a_name_that_can_be_sent(name: str) -> None:
    upload = Upload(name, b"x")
    upload.filename.encode()
    assert upload.filename.isprintable()
    assert 0 < len(upload.filename) <= 200


@bounded
@given(TABLES | HEADED, SUFFIXES)
def test_any_table_is_read_or_refused(content: bytes, suffix: str) -> None:
    path = Path(f"table{suffix}")
    path.write_bytes(content)
    try:
        plan = dnb.sweep(path, model="lucy-pro-t2v").plan
    except dnb.DecartSDKError as error:
        told(error)
        return
    assert {*plan["plan"]} <= {"new", "reused", "invalid"}


@bounded
@given(FIELDS, ANY, st.sampled_from(["lucy-2.5", "lucy-pro-t2v", "lucy-motion"]))
def test_any_value_is_meant_or_refused(name: str, value: Any, model: str) -> None:
    for definition in (models.video(model), OWN):
        request = read(definition, **{name: value})
        if request is not None and definition is not OWN and "seed" in request.values:
            assert type(request.values["seed"]) is int
            assert 0 <= request.values["seed"] <= MAX_SEED
        if request is not None:
            for text in request.form().values():
                text.encode()
    for given_so in (value, [value, 1]):
        planned(**{"model": [model, OWN], "prompt": "a", name: given_so})


@bounded
@given(st.dictionaries(COLUMNS, ANY, max_size=4))
def test_any_dataframe_is_planned_or_refused(cells: dict[str, Any]) -> None:
    columns = {name: pd.Series([value, None, "a"], dtype=object) for name, value in cells.items()}
    planned(pd.DataFrame({"resolution": ["480p"] * 3, **columns}))
