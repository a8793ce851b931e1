"""Tables in files, as people and programs write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import decart_nb as dnb
from decart_nb.sweeps.table_files import read_table, usual_name

TEXTS = ["NA", "null", "007", "1e3", "TRUE", "1984", "#1 fan", "=1+1", 'a "b", c\nd', "a\u2028b", "'quoted'"]


def rows(name: str, content: str | bytes) -> list[dict[str, Any]]:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(name).to_dict("records")


def refused(name: str, content: str | bytes) -> str:
    with pytest.raises(dnb.InvalidInputError) as caught:
        rows(name, content)
    assert caught.value.message.isprintable()
    return caught.value.message


CAT = {"prompt": "A cat", "seed": 1}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "prompt,seed\nA cat,1\n"),
        ("a.csv", "prompt,seed\r\nA cat,1.0\r\n\r\n ,\r\n"),
        ("a.csv", "prompt;seed\nA cat;1\n"),
        ("a.tsv", "prompt\tseed\nA cat\t1\n"),
        ("a.txt", "prompt|seed\nA cat|1\n"),
        ("a.csv", "sep=;\r\nprompt;seed\r\nA cat;1\r\n"),
        ("a.csv", "SEP=|\nprompt|seed\nA cat|1\n"),
        ("a.csv", "# batch of Monday\n#\n\nprompt,seed\n# the first\nA cat,1\n"),
        ("a.csv", "prompt,seed,\nA cat,1,\n"),
        ("a.csv", "prompt,seed\nA cat,1,,\n"),
        ("a.csv", "\ufeffprompt,seed\nA cat,1\n"),
        ("a.csv", "prompt\tseed\nA cat\t1\n".encode("utf-16")),
        ("a.csv", '"prompt","seed"\n"A cat","1"'),
        ("a.json", '[{"prompt": "A cat", "seed": 1}]'),
        ("a.json", '{"prompt": ["A cat"], "seed": ["1"]}'),
        ("a.jsonl", '{"prompt": "A cat", "seed": 1}\n\n'),
    ],
)
def test_a_table_is_read_however_it_was_written(name: str, content: str | bytes) -> None:
    assert rows(name, content) == [CAT]


def test_text_stays_text() -> None:
    table = pd.DataFrame({"prompt": TEXTS, "note": TEXTS})
    table.to_json("a.jsonl", orient="records", lines=True, force_ascii=False)
    assert list(read_table("a.jsonl")["prompt"]) == TEXTS
    table.to_csv("a.csv", index=False)
    table.to_csv("a.tsv", index=False, sep="\t")
    table.to_parquet("a.parquet")
    Path("a.json").write_text(json.dumps(table.to_dict("records")))
    for name in ("a.csv", "a.tsv", "a.parquet", "a.json"):
        read = read_table(name)
        assert read["prompt"].tolist() == read["note"].tolist() == TEXTS, name


def test_a_line_is_a_prompt_where_no_line_is_a_head() -> None:
    read = rows("a.txt", "A cat, soft light\n# a note\n\n#wanderlust\nA 'dog\" runs\n")
    assert [row["prompt"] for row in read] == ["A cat, soft light", "#wanderlust", "A 'dog\" runs"]


def test_numbers_in_a_column_of_texts_are_the_texts_that_a_sheet_shows() -> None:
    assert rows("a.json", '[{"prompt": 1984, "seed": "7.0"}, {"prompt": true, "seed": null}]') == [
        {"prompt": "1984", "seed": 7},
        {"prompt": "TRUE", "seed": None},
    ]


def test_a_sheet_is_read_as_it_shows_itself() -> None:
    pytest.importorskip("openpyxl")
    pd.DataFrame({"prompt": ["A cat", 1984, "007", "NA"], "seed": [1, 2.0, None, "4"]}).to_excel("a.xlsx", index=False)
    read = read_table("a.xlsx")
    assert read["prompt"].tolist() == ["A cat", "1984", "007", "NA"]
    assert read["seed"].tolist()[:2] == [1, 2.0]
    assert read["seed"].tolist()[2:] == [None, 4]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", 'prompt,seed\n"A cat,1\nA dog,2\n', "Line 2 of a.csv has quoted text that is never closed"),
        (
            "a.csv",
            'prompt,seed\nA cat,1\n\n"A dog,2\nA "b" bird,3\n',
            "Line 4 of a.csv has quoted text that is invalid",
        ),
        ("a.csv", "# one\nprompt,seed\nA cat,1,2\n", "Line 3 of a.csv has more columns than the header"),
        ("a.csv", "prompt\ncaf\xe9\n".encode("latin-1"), "Line 2 of a.csv is not UTF-8; save the file as UTF-8"),
        ("a.csv", "prompt\nA cat\n".encode("utf-16-le"), "a.csv has NUL characters"),
        ("a.csv", "\n \n", "a.csv cannot be read as a table: it is empty"),
        ("a.csv", "", "is empty"),
        ("a.csv", "prompt,seed\n", "a.csv cannot be read as a table: it has no rows"),
        ("a.csv", "prompt,prompt\na,b\n", "more than one column"),
        ("a.json", '[{"prompt": "a"}, 5]', "a.json has 5 as its row 2"),
        ("a.jsonl", '{"prompt": "a"}\n{"prompt"\n', "Line 2 of a.jsonl is not JSON"),
        ("a.json", "[" * 100_000, "cannot be read"),
        ("a.csv", b"\x1f\x8b\x08\0", "compressed with gzip"),
        ("a.xlsx", b"PK\x03\x04 is no archive", "cannot be read as a table"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0", "is in the old format of Excel"),
        ("a.parquet", b"PAR1 is no Parquet", "cannot be read as a table"),
        ("a.docx", "prompt\na\n", "a.docx is not a table of a type that can be read"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(name: str, content: str | bytes, said: str) -> None:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(dnb.InvalidInputError) as caught:
        dnb.connect("local").sweep(name, model="lucy-pro-t2v")
    assert said in caught.value.message
    assert caught.value.message.isprintable()


def test_a_parquet_file_of_a_few_bytes_is_not_read_into_very_many_values() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_500_000, np.int32)), ["A cat"])
    pq.write_table(pa.table({"prompt": column, "note": column}), "a.parquet")
    assert Path("a.parquet").stat().st_size < 100_000
    with pytest.raises(dnb.InvalidInputError, match=r"a.parquet has 21,000,000 values, and at most 20,000,000"):
        read_table("a.parquet")


def test_a_long_text_of_many_rows_is_in_memory_once() -> None:
    text = "x" * 2**16
    pq.write_table(pa.table({"prompt": [text] * 1024}), "a.parquet")
    memory = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(memory)
    try:
        read = read_table("a.parquet")["prompt"].tolist()
    finally:
        pa.set_memory_pool(before)
    assert read == [text] * 1024
    assert len({*map(id, read)}) == 1
    assert memory.max_memory() < 100 * len(text)


def test_a_table_is_no_device_and_no_folder() -> None:
    Path("folder.csv").mkdir()
    for name, said in {
        "folder.csv": "is a folder",
        "/dev/zero": "is a device",
        "https://x.org/a.csv": "an address",
    }.items():
        with pytest.raises(dnb.InvalidInputError, match=said):
            read_table(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Prompt", "prompt"),
        (" seed\u00a0", "seed"),
        ("SEED", "seed"),
        ("Reference Image", "reference_image"),
        ("enhance-prompt", "enhance_prompt"),
        ("\ufeffmodel", "model"),
        ("prompts", "prompts"),
        ("note", "note"),
        (7, 7),
    ],
)
def test_a_name_in_another_spelling_is_the_inputs(name: Any, meant: Any) -> None:
    assert usual_name(name) == meant


@pytest.mark.parametrize(("column", "meant"), [("sed", "seed"), ("promt", "prompt"), ("Prompts", "prompt")])
def test_a_column_that_is_nearly_an_input_makes_its_rows_invalid(column: str, meant: str) -> None:
    given = {"prompt": ["a"], "seed": [1]} | {column: ["b"]}
    del given[meant]
    plan = dnb.connect("local").sweep(pd.DataFrame(given), model="lucy-pro-t2v").plan
    assert plan["plan"].tolist() == ["invalid"]
    assert f"Did you mean {meant}?" in plan["why"][0]
    given[meant] = [1] if meant == "seed" else ["a"]
    assert dnb.sweep(pd.DataFrame(given), model="lucy-pro-t2v").plan["plan"].tolist() == ["new"]


class Other:
    """A table of another library, as far as anybody can tell."""

    def __init__(self, frame: pd.DataFrame, fails: bool = False) -> None:
        self.frame, self.fails = frame, fails

    def to_pandas(self) -> pd.DataFrame:
        if self.fails:
            raise ModuleNotFoundError("pyarrow is required")
        return self.frame


class Interchanged(Other):
    def __dataframe__(self, **options: Any) -> Any:
        return self.frame.__dataframe__(**options)


@pytest.mark.parametrize("make", [Other, Interchanged, lambda frame: Interchanged(frame, fails=True)])
def test_tables_of_other_libraries_are_read(make: Any) -> None:
    table = make(pd.DataFrame({"prompt": ["A cat", "NA"], "seed": [1, 2]}))
    plan = dnb.connect("local").sweep(table, model="lucy-pro-t2v").plan
    assert plan[["prompt", "seed"]].to_numpy().tolist() == [["A cat", 1], ["NA", 2]]


def test_an_arrow_table_is_read_and_what_fails_is_said() -> None:
    pa = pytest.importorskip("pyarrow")
    plan = dnb.connect("local").sweep(pa.table({"prompt": ["A cat"], "seed": [None]}), model="lucy-pro-t2v").plan
    assert plan["plan"].tolist() == ["new"]
    with pytest.raises(dnb.InvalidInputError, match=r"cannot be read \(pyarrow is required\); make it a pandas"):
        dnb.sweep(Other(pd.DataFrame(), fails=True), model="lucy-pro-t2v")
