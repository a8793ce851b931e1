"""Scatter plots of clips: what has a point, the groups, the static form, and the figure."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from decart_nb import InvalidInputError
from decart_nb.display.scatter_ticks import ticks_of
from tests.export.galleries import make_table

_HTML = "<img src=x onerror=alert(1)>"


def _planned(**columns: list[Any]) -> pd.DataFrame:
    """A table of as many rows as the columns have values, for each of which no clip was made yet."""
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"model": "lucy-2.5", "seed": range(count), "status": "planned", "path": None} | columns)


def _html(scatter: Any) -> str:
    html: str = scatter._repr_mimebundle_()["text/html"]
    return html


def _labels(scatter: Any) -> list[str]:
    return re.findall(r'decart-scatter-point" style="[^"]*" aria-label="([^"]*)"', _html(scatter))


def test_each_clip_with_both_values_has_a_point_and_the_others_are_counted() -> None:
    table = _planned(motion=[1.25, None, 3.0, math.inf], cuts=[0.0, 1.0, 2.0, 3.0])
    scatter = table.decart.scatter("motion", "cuts")
    assert _labels(scatter) == ["seed 0: motion 1.25 · cuts 0", "seed 2: motion 3.00 · cuts 2"]
    assert "2 of 4 rows have no value." in _html(scatter)
    assert repr(scatter) == "<scatter plot of 2 clips: cuts by motion; 2 of 4 rows have no value.>"
    assert "no value" not in _html(table.decart.scatter("cuts", "seed"))


def test_points_are_where_their_values_are() -> None:
    places = re.findall(
        r'style="left:([\d.]+)%;top:([\d.]+)%"', _html(_planned(a=[0, 1, 2], b=[5, 7, 6]).decart.scatter("a", "b"))
    )
    across, down = zip(*((float(left), float(top)) for left, top in places), strict=True)
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.02)
    assert across[0] < across[1]
    assert down[0] > down[2] > down[1]


def test_a_point_shows_its_poster_and_links_to_its_clip(tmp_path: Path) -> None:
    table = make_table(Path("made"), models=["lucy-2.5"]).assign(motion=[1.0, 2.0])
    html = _html(table.decart.scatter("motion", "seed", by="prompt"))
    assert html.count('<img src="data:image/webp;base64,') == 2
    assert html.count('<a class="decart-scatter-point"') == 2
    assert 'href="made/clip%200.mp4"' in html
    assert "<script" not in html
    assert str(tmp_path) not in html


def test_groups_have_colours_and_shapes_of_their_own() -> None:
    table = _planned(motion=[1.0, 2.0, 3.0], style=["oil", "ink", "oil"])
    html = _html(table.decart.scatter("motion", "seed", by="style"))
    legend = html.partition('decart-scatter-legend">')[2]
    assert re.findall(r"</svg>([^<]*)</span>", legend) == ["style oil", "style ink"]
    shapes = re.findall(r'<path d="([^"]*)" fill="(#\w+)"', html)
    assert shapes[0] == shapes[2] == shapes[3]
    assert shapes[1] == shapes[4]
    assert shapes[0][0] != shapes[1][0]
    assert shapes[0][1] != shapes[1][1]


def test_many_groups_are_others_and_many_numbers_are_ranges() -> None:
    table = _planned(motion=[float(number) for number in range(12)], style=[f"s{number}" for number in range(12)])
    table.attrs["metrics"] = ["motion"]
    assert len(table.decart.scatter("motion", "seed", by="style").figure().axes[0].get_legend().texts) == 8
    texts = [
        text.get_text()
        for text in table.decart.scatter("seed", "motion", by="motion").figure().axes[0].get_legend().texts
    ]
    assert texts == ["motion < 3", "motion 3–6", "motion 6–9", "motion ≥ 9"]


def test_everything_shown_is_escaped() -> None:
    table = _planned(**{_HTML: [1.0, 2.0], "model": [_HTML, "b"]})
    assert "<img" not in _html(table.decart.scatter(_HTML, "seed", by="model"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("motoin", "seed"), r"x must name a column of the table; it has no 'motoin'\. Did you mean motion"),
        (("motion", ["seed"]), r"y must name a column of the table"),
        (("motion", "model"), r"y must name a column of numbers, and 'model' is none: seed and motion are\."),
        (("motion", "nothing"), r"No row of the table has a value of motion and nothing\. df\.decart\.measure"),
        (("motion", "seed", "styel"), r"by must name a column"),
    ],
    ids=["misspelt", "a list", "text", "no value", "no such groups"],
)
def test_what_cannot_be_plotted_is_refused_with_what_to_do(arguments: Any, message: str) -> None:
    table = _planned(motion=[1.0, 2.0], nothing=pd.array([None, None], "Float64"), flag=[True, False])
    x, y, *by = arguments
    with pytest.raises(InvalidInputError, match=message):
        table.decart.scatter(x, y, by=by[0] if by else None)


def test_the_figure_has_the_same_points_and_groups(tmp_path: Path) -> None:
    table = _planned(motion=[1.0, 2.0, 3.0, None], style=["$a$", "_b", "$a$", "_b"])
    figure = table.decart.scatter("motion", "seed", by="style").figure()
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("motion", "seed")
    points = [collection.get_offsets().tolist() for collection in axes.collections]
    assert points == [[[1.0, 0.0], [3.0, 2.0]], [[2.0, 1.0]]]
    assert [text.get_text() for text in axes.get_legend().texts] == [r"style \$a\$", "style _b"]
    assert axes.get_title(loc="left") == "1 of 4 rows has no value."
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_without_matplotlib_the_figure_says_how_to_install_it_and_the_plot_is_shown() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import pandas as pd, decart_nb as dnb\n"
        "table = pd.DataFrame({'status': ['planned'] * 2, 'path': None, 'motion': [1.0, 2.0]})\n"
        "scatter = table.decart.scatter('motion', 'motion')\n"
        "assert 'decart-scatter-point' in scatter._repr_mimebundle_()['text/html']\n"
        "try:\n    scatter.figure()\nexcept dnb.InvalidInputError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "matplotlib, which is not installed: pip install matplotlib" in ran.stdout


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 10], ["0", "2", "4", "6", "8", "10"]),
        ([0.951, 0.998], ["0.95", "0.96", "0.97", "0.98", "0.99", "1.00"]),
        ([-1.0, 1.0], ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        ([5, 5], ["4.6", "4.8", "5.0", "5.2", "5.4"]),
        ([0, 0], ["-0.4", "-0.2", "0.0", "0.2", "0.4"]),
        ([1e9, 3e9], ["1e+09", "1.5e+09", "2e+09", "2.5e+09", "3e+09"]),
        ([1e-300, 2e-300], ["1e-300", "1.2e-300", "1.4e-300", "1.6e-300", "1.8e-300", "2e-300"]),
        ([0.0, 5e-324], ["-0.4", "-0.2", "0.0", "0.2", "0.4"]),
        ([-8e299, 8e299], ["-5e+299", "0", "5e+299"]),
    ],
    ids=range(9),
)
def test_ticks_are_round_numbers(values: list[float], labels: list[str]) -> None:
    ticks = ticks_of(values)
    assert ticks.labels == labels
    assert all(0.0 <= ticks.place(value) <= 1.0 for value in (*values, *ticks.values))
