"""The rows of a sweep as requests: the same ones, found by the same digests, as when each is asked for by itself."""

from __future__ import annotations

import io
import itertools
from collections.abc import Collection
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from decart_nb import InvalidInputError, ModelDefinition, media, models
from decart_nb.request.digest import digest_of
from decart_nb.request.request import prepare
from decart_nb.request.uploads import Upload
from decart_nb.request.validation import check
from decart_nb.sweeps.axes import read_axes, value, zip_axes
from decart_nb.sweeps.planner import Reader
from decart_nb.sweeps.rows import InputFile, Row


def _video() -> bytes:
    """Two frames of 16×16, in as few bytes as that takes."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=2)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


VIDEO = _video()
OWN = ModelDefinition(name="mine", width=64, height=48, fps=10)
#: Of each input, what is taken and what is not.
POOLS: dict[str, list[Any]] = {
    "model": ["lucy-pro-t2v", "lucy-2.5", "lucy-pro-v2v", "lucy-latest", "lucy-9", OWN],
    "prompt": ["a", "ü { }", "", "x" * 1001, None, 7],
    "seed": [0, 1, 1.5, -1, True, None],
    "resolution": ["480p", "720p", "8k", None],
    "enhance_prompt": [True, False, "yes"],
    "data": [VIDEO, VIDEO + b"another", b"\x89PNG\r\n\x1a\n", b"", "gone.mp4", None, 3],
    "orientation": ["portrait", "landscape"],
}


def price(model: ModelDefinition, resolution: str | None, resolved: str | None = None) -> float | None:
    return model.prices.get(resolution or "720p")


def reader(*groups: Any, repeat: int = 1, extras: Collection[str] = (), **named: Any) -> Reader:
    return Reader(read_axes(groups, named, repeat=repeat), "https://queue", price, extras)


def planned_rows(*groups: Any, **named: Any) -> list[Row]:
    return reader(*groups, **named).read()


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """Keywords of a sweep: of each input one value, several, or none."""
    named: dict[str, Any] = {}
    for name, pool in POOLS.items():
        few = st.lists(st.sampled_from(pool), min_size=1, max_size=3)
        given = draw(few | st.sampled_from(pool) if name == "model" else few | st.sampled_from(pool) | st.none())
        if given is not None:
            named[name] = given
    return named


def _product(named: dict[str, Any]) -> list[dict[str, Any]]:
    columns = [given if isinstance(given, list) else [given] for given in named.values()]
    return [dict(zip(named, row, strict=True)) for row in itertools.product(*columns)]


def _readable(named: dict[str, Any]) -> Reader | None:
    try:
        return reader(**named)
    except InvalidInputError as error:
        if "is not an input of any model" in error.message:  # then the whole of it is refused
            return None
        raise


@settings(max_examples=200, deadline=None)
@given(asked())
def test_every_row_is_valid_as_a_request_of_its_own_and_found_by_the_same_digest_or_says_why_not(named) -> None:
    if (read := _readable(named)) is None:
        return
    rows = read.read()
    assert len(rows) == len(_product(named))
    for row, asked_for in zip(rows, _product(named), strict=True):
        name = asked_for.pop("model")
        if name == "lucy-9":
            assert "lucy-9" in row.error
            assert not row.request
            continue
        model = name if isinstance(name, ModelDefinition) else models.video(name)
        inputs = {
            name: value for name, value in asked_for.items() if value is not None and read.schema.takes(model, name)
        }
        request = refused = None
        try:
            request = prepare(model, inputs)
        except InvalidInputError as error:
            refused = error.message
        if request is None:
            assert set(row.error.split("\n")) == set(refused.split("\n"))
            assert (row.request, row.cost) == ("", None)
            continue
        assert not row.error
        files = {name: file.sha256() for name, file in request.files.items()}
        resolved = model.alias_of or model.successor or model.name
        assert row.request == digest_of("https://queue", resolved, model, request.values, files)
        assert row.as_request().values == request.values
        assert row.files.keys() == files.keys()


@settings(max_examples=100, deadline=None)
@given(asked(), st.randoms())
def test_the_order_of_keywords_changes_no_key(named, shuffler) -> None:
    if (read := _readable(named)) is None:
        return
    names = list(named)
    shuffler.shuffle(names)
    keys = sorted((row.request, row.take, row.error) for row in read.read())
    again = reader(**{name: named[name] for name in names}).read()
    assert sorted((row.request, row.take) for row in again) == [key[:2] for key in keys]


@settings(max_examples=100, deadline=None)
@given(asked(), st.integers(1, 3))
def test_a_sweep_has_the_product_of_its_axes_and_each_request_is_first_once(named, repeat) -> None:
    if (read := _readable(named)) is None:
        return
    size = len(_product(named))
    rows = reader(**named, repeat=repeat).read()
    assert len(rows) == repeat * size == repeat * len(read.read())
    first: dict[tuple[str, int], int] = {}
    for number, row in enumerate(rows):
        if row.request:
            there = first.setdefault(row.key, number)
            assert row.same_as == (None if there == number else there)
        else:
            assert row.same_as is None


def test_what_a_model_does_not_take_is_left_out_and_told() -> None:
    read = reader(model=["lucy-pro-t2v", "lucy-2.5"], prompt="a", data=VIDEO, orientation="portrait")
    first, second = read.read()
    assert (read.schema.left_out(first.model), read.schema.left_out(second.model)) == (["data"], ["orientation"])
    assert (first.values, second.values) == ({"prompt": "a", "orientation": "portrait"}, {"prompt": "a"})
    assert (first.error, second.error) == ("", "")


def test_what_a_model_needs_and_lacks_makes_its_row_invalid() -> None:
    first, second = planned_rows(model=["lucy-pro-t2v", "lucy-2.5"], prompt="a")
    assert first.request
    assert "data is missing" in second.error


def test_a_placeholder_that_nothing_fills_is_a_mistake_beside_one_that_is_filled() -> None:
    (row,) = planned_rows(model="lucy-pro-t2v", prompt="{a} and {place}", a=["x"])
    assert "{place} in it, and this row has no place" in row.error
    (row,) = planned_rows(model="lucy-pro-t2v", prompt="{a} and {seed}", a=["x"], seed=[1])
    assert "a model's own inputs are not put there" in row.error
    (row,) = planned_rows(model="lucy-pro-t2v", prompt="as it is: {place}")
    assert "{place} in it, and this row has no place" in row.error
    assert "write {{place}}" in row.error
    (row,) = planned_rows(model="lucy-pro-t2v", prompt="as it is: {{place}}")
    assert row.values["prompt"] == "as it is: {place}"
    (row,) = planned_rows(model="lucy-pro-t2v", prompt="{{a}} {Animal}", animal=["x"], extras=["animal"])
    assert "Did you mean animal?" in row.error


def test_a_whole_float_is_a_seed() -> None:
    assert [row.values["seed"] for row in planned_rows(model="lucy-pro-t2v", prompt="a", seed=[1.0, 2.0])] == [1, 2]
    assert "seed must be an integer" in planned_rows(model="lucy-pro-t2v", prompt="a", seed=[1.5])[0].error


def test_a_name_that_nothing_takes_is_refused_and_a_tables_own_column_is_not() -> None:
    with pytest.raises(InvalidInputError, match=r"promt is not an input of any model .* Did you mean prompt\?"):
        reader(model="lucy-pro-t2v", promt="a")
    table = pd.DataFrame({"model": ["lucy-pro-t2v"], "prompt": ["a"], "note": ["mine"]})
    read = reader(table, extras=table.columns)
    assert read.read()[0].values == {"prompt": "a"}
    assert read.column("note") == ["mine"]
    with pytest.raises(InvalidInputError, match="needs a model"):
        reader(prompt="a")


def test_two_models_of_one_name_are_refused() -> None:
    other = ModelDefinition(name="mine", width=64, height=48, fps=10, url_path="/v2/mine")
    with pytest.raises(InvalidInputError, match="Two models of this sweep are called mine"):
        reader(model=[OWN, other], prompt="a")
    assert len(planned_rows(model=[OWN, OWN], prompt="a")) == 2


def test_names_of_files_and_models_and_spelled_out_defaults_change_no_key(small_video, tmp_path) -> None:
    renamed = tmp_path / "renamed.mp4"
    renamed.write_bytes(small_video.read_bytes())
    rows = planned_rows(
        zip_axes(data=[small_video, str(renamed), small_video.read_bytes(), io.BytesIO(small_video.read_bytes())]),
        model=["lucy-restyle-2", "lucy-restyle-latest", "lucy-restyle-v2v"],
        prompt="a",
        enhance_prompt=[None, True],
    )
    assert len({row.request for row in rows}) == 1
    assert [row.same_as for row in rows] == [None, *[0] * 23]


def test_takes_are_others_of_the_same_request() -> None:
    rows = planned_rows(model="lucy-pro-t2v", prompt=["a", "b"], repeat=3)
    assert [row.take for row in rows] == [0, 1, 2, 0, 1, 2]
    assert len({row.request for row in rows}) == 2
    assert {row.same_as for row in rows} == {None}


def test_a_prompts_placeholders_are_filled_and_a_row_without_one_of_them_is_invalid() -> None:
    read = reader(model="lucy-pro-t2v", prompt="{a} of {b} {{}}", a=["x", "{b}"], b=["y", None])
    assert [row.values.get("prompt") for row in read.read()] == ["x of y {}", None, "{b} of y {}", None]
    assert "prompt has {b} in it, and this row has no b to put there" in read.read()[1].error
    assert read.schema.choices == ["a", "b"]
    assert read.prompts()[0] == "x of y {}"


def test_prices_go_by_what_is_generated(tmp_path) -> None:
    long = tmp_path / "long.mp4"
    media.encode(np.zeros((40, 48, 64, 3), np.uint8), long, fps=10)
    (made,) = planned_rows(model="lucy-pro-t2v", prompt="a", resolution="480p")
    (worked_on,) = planned_rows(model="lucy-2.5", prompt="a", data=long)
    (unknown,) = planned_rows(model="lucy-2.6", prompt="a", data=long)
    assert (made.seconds, made.cost) == (5.0, 0.2)
    assert (worked_on.seconds, worked_on.cost) == (4.0, 0.16)
    assert (unknown.seconds, unknown.cost) == (4.0, None)
    (own,) = planned_rows(model=OWN, prompt="a", resolution=value(["720p"]))  # which no table of prices has
    assert (own.error, own.cost, own.values["resolution"]) == ("", None, ["720p"])


def test_a_file_is_read_once_for_all_rows_and_one_from_an_address_not_at_all() -> None:
    read = reader(model="lucy-2.5", prompt=["a", "b"], data=["https://example.com/a.mp4", VIDEO])
    rows = read.read()
    assert read.addresses() == ["https://example.com/a.mp4"]
    assert [bool(row.request) for row in rows] == [False, True, False, True]
    assert rows[0].asked != rows[2].asked
    assert rows[1].files["data"] is rows[3].files["data"]


def test_a_path_that_stands_in_many_rows_of_a_table_is_read_once(small_video) -> None:
    column = pd.Series([str(small_video)] * 3, dtype="string")  # gives each row a text of its own
    rows = planned_rows(pd.DataFrame({"model": "lucy-2.5", "prompt": ["a", "b", "c"], "data": column}))
    assert len({id(row.files["data"]) for row in rows}) == 1


def test_a_file_that_was_fetched_is_looked_at_for_each_model(small_image) -> None:
    url = "https://example.com/a"
    fetched = {url: InputFile(Upload("a", small_image), "kept", Upload("a", small_image).sha256())}
    read = reader(model=["lucy-2.5", "lucy-pro-i2v"], prompt="a", data=url)
    video, image = read.read(fetched=fetched)
    assert "must be a video" in video.error
    assert image.request
    assert read.column("data") == [url, url]
    (failed, _) = read.read(fetched={url: "cannot be fetched."})
    assert "data cannot be fetched." in failed.error


def test_a_trajectory_is_one_value_and_comes_back_from_a_table_as_text(small_image) -> None:
    points = [{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 9, "x": 0.5, "y": 0.5}]
    (one,) = planned_rows(model="lucy-motion", data=small_image, trajectory=points)
    table = pd.DataFrame(
        {
            "model": "lucy-motion",
            "data": str(small_image),
            "trajectory": ['[{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 9, "x": 0.5, "y": 0.5}]', "[1"],
        }
    )
    same, broken = planned_rows(table)
    assert one.request == same.request
    assert "trajectory" in broken.error
    assert check(models.video("lucy-motion"), {"trajectory": points})[0]["trajectory"] == one.values["trajectory"]


def test_seeds_that_are_given_as_text_are_shown_as_they_are_sent() -> None:
    read = reader(model="lucy-pro-t2v", prompt="7", seed=["7", 7, "7.0", "x"])
    rows = read.read()
    assert read.column("seed") == [7, 7, 7, "x"]
    assert read.column("prompt") == ["7"] * 4
    assert [row.same_as for row in rows] == [None, 0, 0, None]
