"""Which clips of a table are compared."""

from __future__ import annotations

import pandas as pd
import pytest

from decart_nb import InvalidInputError
from decart_nb.rating.pairs import Pairs, find_pairs
from tests.rating_tables import clips_of, results


def _pairs(table: pd.DataFrame, by: str = "model") -> Pairs:
    return find_pairs(table, clips_of(table), by)


def test_pairs_share_every_input_but_the_compared_one() -> None:
    found = _pairs(results(model=["a", "b"], prompt=["cat", "dog", "owl"], seed=[0, 1]))
    assert found.values == ["a", "b"]
    assert [pair.values for pair in found.pairs] == [(0, 1)] * 6
    shared = [(pair.shared["prompt"], pair.shared["seed"]) for pair in found.pairs]
    assert shared == [(prompt, seed) for prompt in ("cat", "dog", "owl") for seed in (0, 1)]
    assert found.pairs[0].key == '{"prompt": "cat", "seed": 0}'


def test_every_two_of_several_values_are_compared() -> None:
    found = _pairs(results(model=["a", "b", "c"], prompt=["cat"]))
    assert [pair.values for pair in found.pairs] == [(0, 1), (0, 2), (1, 2)]


def test_takes_are_compared_with_each_other() -> None:
    assert len(_pairs(results(model=["a", "b"], prompt=["cat"], take=[0, 1, 2])).pairs) == 9


def test_stars_and_notes_keep_no_clips_apart() -> None:
    table = results(model=["a", "b"], prompt=["cat"]).assign(rating=[1, 5], note=["bad", None])
    assert len(_pairs(table).pairs) == 1


def test_what_was_measured_keeps_no_clips_apart() -> None:
    table = results(model=["a", "b"], prompt=["cat"])
    table = table.assign(motion=[1.5, 2.5], measure_error=[None, "too short"], duplicate_group=[0, 1])
    table.attrs["metrics"] = ["motion"]
    (pair,) = _pairs(table).pairs
    assert pair.shared == {"prompt": "cat"}


def test_what_one_model_does_not_take_keeps_no_clips_apart() -> None:
    table = results(model=["a", "b"], prompt=["cat", "dog"]).assign(resolution=["720p", "720p", None, None])
    assert len(_pairs(table).pairs) == 2
    table["resolution"] = ["720p", "480p", "720p", None]
    assert [pair.shared["prompt"] for pair in _pairs(table).pairs] == ["cat"]


def test_a_filled_template_does_not_keep_its_styles_apart() -> None:
    table = results(model=["a"], style=["oil", "ink"], seed=[0, 1])
    table["prompt"] = table["style"] + ", soft light"
    table["prompt_template"] = "{style}, soft light"
    found = _pairs(table, "style")
    assert [pair.shared for pair in found.pairs] == [
        {"model": "a", "seed": seed, "prompt_template": "{style}, soft light"} for seed in (0, 1)
    ]
    # The prompt that both have is told, in place of what it was filled with.
    assert _pairs(table, "seed").pairs[0].shared["prompt"] == "oil, soft light"


def test_rows_without_a_clip_and_rows_that_are_there_twice_are_left_out() -> None:
    table = results(model=["a", "b"], prompt=["cat", "dog"])
    table.loc[0, "status"] = "failed"
    assert len(_pairs(pd.concat([table, table])).pairs) == 1


def test_lists_and_dicts_in_a_column_are_compared_by_their_text() -> None:
    table = results(model=["a", "b"], prompt=["cat"])
    table["trajectory"] = [[{"x": 1}], [{"x": 1}]]
    assert len(_pairs(table).pairs) == 1


def test_the_table_may_come_from_a_csv(tmp_path) -> None:
    table = results(model=["a", "b"], prompt=["cat", "dog"], seed=[0])
    table.loc[1, "seed"] = None
    table.to_csv(tmp_path / "results.csv")
    read = pd.read_csv(tmp_path / "results.csv", index_col=0)
    (pair,) = _pairs(read).pairs
    assert pair.shared == {"prompt": "cat", "seed": 0}


def test_an_unknown_column_is_asked_back() -> None:
    table = results(model=["a", "b"], prompt=["cat"])
    with pytest.raises(InvalidInputError, match=r"it has no 'modle'\. Did you mean model"):
        _pairs(table, "modle")
    with pytest.raises(InvalidInputError, match="by must be the name of one column, as text"):
        _pairs(table, ["model"])


def test_fewer_than_two_values_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="All finished clips have the same model, 'a'"):
        _pairs(results(model=["a"], prompt=["cat", "dog"]))
    with pytest.raises(InvalidInputError, match="The table has no finished clips"):
        _pairs(results(model=["a", "b"], prompt=["cat"]).assign(status="failed"))
    with pytest.raises(InvalidInputError, match="None of the finished clips has a value in the column style"):
        _pairs(results(model=["a", "b"], prompt=["cat"]).assign(style=None), "style")


def test_the_error_names_the_column_that_keeps_the_clips_apart() -> None:
    table = results(model=["a", "b"], seed=[0])
    table["prompt"] = ["cat", "dog"]
    with pytest.raises(
        InvalidInputError, match=r"they also differ in prompt\. .*df\.drop\(columns='prompt'\)"
    ) as caught:
        _pairs(table)
    assert "seed" not in str(caught.value)
    table["seed"] = [0, 1]
    with pytest.raises(InvalidInputError, match="they differ in seed and prompt too"):
        _pairs(table)


def test_the_same_video_is_not_compared_with_itself() -> None:
    table = results(model=["a", "b"], prompt=["cat"]).assign(sha256="0" * 64)
    with pytest.raises(InvalidInputError, match="the same video, byte for byte"):
        _pairs(table)


def test_without_a_digest_the_file_is_read(tmp_path) -> None:
    table = results(model=["a", "b"], prompt=["cat"]).assign(sha256="")
    for number in range(2):
        (tmp_path / f"{number}.mp4").write_bytes(bytes([number]))
    table["path"] = [str(tmp_path / f"{number}.mp4") for number in range(2)]
    (pair,) = _pairs(table).pairs
    assert len(pair.identity) == 2
    (tmp_path / "0.mp4").unlink()
    with pytest.raises(InvalidInputError, match=r"0\.mp4 cannot be read, and the table has no digest"):
        _pairs(table)
