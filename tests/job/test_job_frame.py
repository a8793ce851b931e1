"""Tables of jobs as people read them: what is said once, what is a column, what is cut, and what stays pandas'."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from decart_nb.job.input_pictures import stored_picture
from decart_nb.job.job_frame import JobFrame
from decart_nb.job.results_frame import ResultsFrame
from decart_nb.job.table import JOB_COLUMNS, typed

_DIGEST = "ab" * 32
_MARK = "<b>&\x1b[2J"


def _table(count: int = 4, **columns: list[Any]) -> ResultsFrame:
    """Results with the usual values, and others in some columns."""
    usual: dict[str, list[Any]] = {
        "model": ["lucy-2.5"] * count,
        "prompt": ["An oil painting"] * count,
        "seed": list(range(count)),
        "data": ["videos/street.mp4"] * count,
        **{name: [None] * count for name in JOB_COLUMNS if name != "model"},
        "take": [0] * count,
        "status": ["completed"] * count,
        "job_id": [f"{number:032x}" for number in range(count)],
        "path": [f"decart_runs/{number}.mp4" for number in range(count)],
        "cost": [0.04] * count,
        "backend": ["live"] * count,
    }
    return ResultsFrame(typed(usual | columns))


class _Page(HTMLParser):
    """What a page has in it: the tables' rows of cells, each with its title, and all other text."""

    def __init__(self, page: str | None) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.titles: dict[str, str] = {}
        self.said = ""
        self.tags: set[str] = set()
        self._title, self._in = "", ""
        assert page is not None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._title, self._in = dict(attrs).get("title") or "", tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if self._in in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif self._in != "style":
            self.said += data
        if self._title:
            self.titles[data] = self._title

    def column(self, name: str) -> list[str]:
        head, *rows = self.tables[0]
        return [row[head.index(name)] for row in rows]


def _page(table: JobFrame) -> _Page:
    return _Page(table._repr_html_())


def test_what_all_rows_share_is_said_once_and_state_and_cost_come_first() -> None:
    page = _page(_table(width=[64] * 4, height=[48] * 4, fps=[10.0] * 4, duration=[1.0] * 4))
    assert page.tables[0][0] == ["", "status", "cost", "seed", "path", "job_id"]
    assert page.column("status") == ["✓ completed"] * 4
    assert page.column("cost") == ["$0.04"] * 4
    assert page.column("seed") == ["0", "1", "2", "3"]
    for said in (
        "4 rows · 4 completed",
        "about $0.16",
        "lucy-2.5",
        "An oil painting",
        "street.mp4",
        "64×48, 10 fps, 1.0 s",
    ):
        assert page.said.count(said) == 1
    assert "take" not in page.said


def test_what_varies_is_a_column_and_what_is_nowhere_is_none() -> None:
    table = _table(
        prompt=["a", "a", "b", "b"], take=[0, 1, 0, 1], rating=[None, 5, None, None], made=[1.25, None, 2, 3]
    )
    head = _page(table).tables[0][0]
    assert head == ["", "status", "cost", "prompt", "seed", "take", "made", "rating", "path", "job_id"]
    assert _page(table).column("made") == ["1.2 s", "", "2.0 s", "3.0 s"]


def test_what_a_model_does_not_take_is_said_beside_the_value() -> None:
    table = _table(model=["lucy-2.5", "lucy-pro-t2v"] * 2, data=["in.mp4", None] * 2)
    assert "in.mp4 (not for lucy-pro-t2v)" in _page(table).said
    mixed = _page(_table(data=["in.mp4", None] * 2))
    assert mixed.column("data") == ["in.mp4", ""] * 2  # the model takes it, so it varies


def test_a_reason_that_rows_share_is_said_once_and_another_beside_its_row() -> None:
    why = "Invalid inputs for {}: data is not there: no file in.mp4."
    table = _table(
        6,
        model=["lucy-2.5", "lucy-2.1"] * 3,
        status=["invalid"] * 5 + ["failed"],
        error=[
            *(why.format(model) for model in ("lucy-2.5", "lucy-2.1") * 2),
            "Invalid inputs for lucy-2.5: no.",
            "Out of paint.",
        ],
    )
    page = _page(table)
    assert page.said.count("✗ 4 rows (0–3): data is not there: no file in.mp4.") == 1
    assert page.column("error") == ["", "", "", "", "no.", "Out of paint."]
    assert page.tables[0][0][:6] == ["", "status", "cost", "model", "seed", "error"]
    assert page.column("status") == ["✗ invalid"] * 5 + ["✗ failed"]
    assert repr(table).count("no file in.mp4") == 1
    assert table["error"].notna().all()  # the table itself has them all


def test_the_rows_of_a_reason_are_told_in_few_words() -> None:
    table = _table(30, status=["failed"] * 30, error=["even", "odd"] * 15)
    assert "15 rows (0, 2, 4, 6, …): even" in _page(table).said
    kept = table[table["seed"].isin([3, 4, 5, 7, 9])]
    assert "4 rows (3, 5, 7, 9): odd" in _page(kept).said


def test_long_texts_ids_and_digests_are_short_and_whole_on_hover() -> None:
    long = "A lighthouse in a storm, " * 8
    page = _page(_table(prompt=[long, "b", "c", "d"], sha256=[_DIGEST, None, None, None]))
    assert page.column("prompt")[0].endswith("…")
    assert len(page.column("prompt")[0]) == 80
    assert page.titles[page.column("prompt")[0]] == long.strip()
    assert page.column("job_id")[1] == "00000000…"
    assert page.column("sha256")[0] == "abababab…"
    assert page.titles["abababab…"] == _DIGEST


def test_files_are_named_without_folders_and_no_folder_of_the_machine_is_shown() -> None:
    table = _table(
        data=["/home/ann/in.mp4", "../../ann/in.mp4", "decart_runs/inputs/" + _DIGEST + ".png", "sub/in.mp4"]
    )
    page = table._repr_html_()
    assert page is not None
    assert _Page(page).column("data") == ["in.mp4", "in.mp4", "an image given in memory", "in.mp4"]
    assert "ann" not in page + repr(table)
    assert 'title="sub/in.mp4"' in page
    failed = _table(status=["failed"] * 4, error=["No room for /home/ann/in.mp4.", None, None, None])
    assert "ann" not in f"{failed._repr_html_()}{failed!r}"


def test_twenty_rows_are_shown_and_all_of_them_on_request() -> None:
    short, long, huge = (_page(_table(count)) for count in (20, 60, 700))
    assert [len(table) - 1 for table in short.tables] == [20]
    assert "details" not in short.tags
    assert [len(table) - 1 for table in long.tables] == [20, 60]
    assert "show all 60 rows" in long.said
    assert [len(table) - 1 for table in huge.tables] == [20, 500]
    assert "show the first 500 rows of 700" in huge.said
    assert "script" not in long.tags
    assert repr(_table(60)).splitlines()[-1] == "… and 40 more rows"


def test_the_text_fits_its_width_and_has_state_cost_and_what_varies() -> None:
    text = repr(
        _table(prompt=["A lighthouse in a storm, " * 8, "b", "c", "d"], note=["x" * 50] * 4, sha256=[_DIGEST] * 4)
    )
    first, same, head, *rows = text.splitlines()
    assert first == "4 rows · 4 completed · about $0.16"
    assert same.startswith("all rows: lucy-2.5 · data street.mp4 · live")
    assert head.split()[:4] == ["status", "cost", "prompt", "seed"]
    assert len(rows) == 4
    assert all(len(line) <= 120 for line in text.splitlines())


def test_what_a_text_holds_is_neither_markup_nor_obeyed_by_a_terminal() -> None:
    texts = [_MARK] * 2 + ["b"] * 2
    table = _table(**dict.fromkeys(("model", "prompt", "data", "status", "error", "path", "note", "job_id"), texts))
    table["own <i>\x1b"] = texts
    table["same\x1b"] = "a"
    page = table._repr_html_()
    assert page is not None
    assert "<b>" not in page
    assert "<i>" not in page
    assert "\x1b" not in page + repr(table)


def test_a_table_stays_a_dataframe_in_everything_else() -> None:
    table = _table(prompt=["a", "b", "c", "d"])
    for part in (table[table["seed"] > 1], table.head(2), pd.concat([table, table]), table.sort_values("cost")):
        assert isinstance(part, ResultsFrame)
        assert "decart-table" in (part._repr_html_() or "")
    assert table["error"].isna().all()
    assert list(table.columns)[:3] == ["model", "prompt", "seed"]
    for made in (
        table.T,
        table.describe(),
        table.isna(),
        table.groupby("prompt")[["cost"]].sum(),
        table.pivot(columns="seed"),
    ):
        assert "decart-table" not in (made._repr_html_() or "")
        assert repr(made)


def test_what_pandas_is_told_about_html_holds() -> None:
    with pd.option_context("display.notebook_repr_html", False):
        assert _table()._repr_html_() is None


def test_a_picture_of_the_input_that_all_rows_share_is_in_the_page(small_video: Path) -> None:
    pictures = {("data", "videos/street.mp4"): stored_picture(small_video, "cd" * 32)}
    table = _table().with_pictures(pictures)
    for shown in (table, table[table["seed"] > 1], table.copy(), copy.deepcopy(table)):
        page = shown._repr_html_()
        assert page is not None
        assert page.count('<img src="data:image/webp;base64,') == 1
        assert len(page) < 20_000
    assert "<img" not in (table.assign(data=["a.mp4", "b.mp4"] * 2)._repr_html_() or "")


@pytest.mark.parametrize("kind", ["gone", "no video", "a link"])
def test_a_file_without_a_picture_is_named_alone(tmp_path: Path, small_video: Path, kind: str) -> None:
    path = tmp_path / "in.mp4"
    if kind == "no video":
        path.write_bytes(b"no video")
    elif kind == "a link":
        path.symlink_to(small_video)
    table = _table().with_pictures({("data", "videos/street.mp4"): stored_picture(path, kind)})
    page = table._repr_html_()
    assert page is not None
    assert "<img" not in page
    assert "street.mp4" in page


_VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.integers(), max_size=2)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["model", "prompt", "status", "error", "plan", "why", "cost", "data", "reused", "take", "own"]),
        st.lists(_VALUES, min_size=3, max_size=3),
        max_size=6,
    )
)
def test_whatever_is_in_a_table_it_is_shown(columns: dict[str, list[Any]]) -> None:
    table = ResultsFrame(columns)
    assert re.match("<", table._repr_html_() or "")
    assert isinstance(repr(table), str)


def test_a_cost_that_is_not_known_is_said_to_be_unknown_and_none_is_no_column() -> None:
    table = _table(cost=[0.04, None, None, 0.0], status=["completed", "completed", "failed", "completed"])
    assert _page(table).column("cost") == ["$0.04", "unknown", "", "$0.00"]
    planned = _page(_table(cost=[None] * 4, status=["planned"] * 4))
    assert "cost" not in planned.tables[0][0]
