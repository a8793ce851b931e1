"""Results that were kept, read back in whatever way, and run again: they ask for what they were asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb.job.spreadsheets import as_written, write_csv
from tests.scripted import answer, serving
from tests.sweeping import T2V

pytestmark = pytest.mark.usefixtures("live")

PROMPTS = ["1984", "007", "1e3", "TRUE", "NA", "null", "a {b} {{c}}", "=1+1", "'=x", "-5 degrees", "@home", "a cat"]

WAYS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "csv": lambda table: _written(table, lambda path: table.to_csv(path, index=False), pd.read_csv),
    "csv of texts": lambda table: _written(
        table, lambda path: table.to_csv(path, index=False), lambda path: pd.read_csv(path, dtype=str)
    ),
    "our csv": lambda table: _written(table, lambda path: write_csv(table, path), pd.read_csv),
    "parquet": lambda table: _written(table, table.to_parquet, pd.read_parquet),
    "pickle": lambda table: _written(table, table.to_pickle, pd.read_pickle),
    "json": lambda table: _written(
        table, lambda path: table.to_json(path, orient="records", date_format="iso"), pd.read_json
    ),
    "sorted": lambda table: table.sort_values("prompt", ascending=False),
    "filtered": lambda table: table[table["prompt"] != "a cat"],
    "concatenated": lambda table: pd.concat([table.iloc[3:], table.iloc[:3]], ignore_index=True),
    "some columns": lambda table: table[["model", "prompt", "seed", "resolution", "status", "job_id"]],
}


def _written(
    table: pd.DataFrame, write: Callable[[Path], object], read: Callable[[Path], pd.DataFrame]
) -> pd.DataFrame:
    write(Path("table.kept"))
    return read(Path("table.kept"))


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
def test_every_way_back_finds_the_clips(live, submitted) -> None:
    texts = [text.replace("{", "{{").replace("}", "}}") if "{b}" in text else text for text in PROMPTS]
    table = dnb.sweep(model=T2V, prompt=texts, seed=[None, 2], resolution="480p").run()
    assert sorted({*table["prompt"]}) == sorted(PROMPTS)
    taken = submitted()
    for name, way in WAYS.items():
        kept = way(table)
        assert {*dnb.sweep(kept).plan["plan"]} == {"reused"}, name
        again = kept.decart.run()
        assert [*again["job_id"]] == [*kept["job_id"].astype(str)], name
    write_csv(table, Path("results.csv"))
    assert {*dnb.sweep("results.csv").plan["plan"]} == {"reused"}
    os.chdir(Path("/"))
    assert {*dnb.sweep(table).plan["plan"]} == {"reused"}
    assert submitted() == taken


def test_files_are_found_by_their_digests_where_their_paths_lead_nowhere(live, submitted, small_video) -> None:
    Path("in.mp4").write_bytes(small_video.read_bytes())
    given = ["in.mp4", small_video.read_bytes() + b"\0", small_video]
    table = dnb.sweep(model="lucy-2.5", prompt="a", data=given).run()
    assert table["status"].eq("completed").all()
    table.to_csv("results.csv", index=False)
    taken, home = submitted(), Path.cwd()
    Path("in.mp4").unlink()
    (home / "elsewhere").mkdir()
    os.chdir(home / "elsewhere")
    read = pd.read_csv(home / "results.csv")
    assert dnb.sweep(read).plan["plan"].tolist() == ["reused"] * 3
    shown = read.decart.run()["data"]
    assert [*shown[:2]] == [*table["data"][:2]]
    assert Path(shown[2]).samefile(small_video)  # relative to where it is looked at
    # What lies at the path now is what is meant.
    Path("in.mp4").write_bytes(small_video.read_bytes() + b"more")
    assert dnb.sweep(read).plan["plan"].tolist() == ["new", "reused", "reused"]
    assert submitted() == taken


def test_an_address_keeps_its_secrets_to_itself(live, submitted, small_video, tmp_path) -> None:
    with serving(answer(body=small_video.read_bytes(), content_type="video/mp4")) as server:
        url = f"{server.url.replace('://', '://ann:hunter2@')}/in.mp4?X-Amz-Signature=5ec3e7"
        sweep = dnb.sweep(model="lucy-2.5", prompt=["a", "b"], data=url, name="secret")
        plan, table = sweep.plan, sweep.run()
        job = dnb.submit("lucy-2.5", "a", data=url)
        job.result(30)
        assert server.asked[0].path.endswith("?X-Amz-Signature=5ec3e7")
        assert "authorization" in server.asked[0].headers
        shown = f"{server.url}/in.mp4?…"
    assert [*plan["data"]] == [*table["data"]] == [shown] * 2
    with serving(answer(status=404)) as gone:
        missing = f"{gone.url}/in.mp4?token=5ec3e7"
        failed = dnb.sweep(model="lucy-2.5", prompt="c", data=missing, name="missing").run()
    assert failed["status"].tolist() == ["invalid"]
    everything = [table, plan, failed, dnb.jobs(), job, job.inputs, sweep, dnb.sweep.load("missing").plan]
    told = " ".join([*map(repr, everything), *(table.to_csv() for table in (table, plan, failed, dnb.jobs()))])
    told += "".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    assert "hunter2" not in told
    assert "5ec3e7" not in told
    # The server has gone, and so has the secret: what was fetched is in the store.
    taken = submitted()
    table.to_csv("results.csv", index=False)
    assert dnb.sweep("results.csv").plan["plan"].tolist() == ["reused", "reused"]
    assert dnb.sweep.load("secret").plan["plan"].tolist() == ["reused", "reused"]
    assert submitted() == taken
    plan = dnb.sweep(failed).plan
    assert plan["plan"].tolist() == ["invalid"]
    assert "Give the whole address again" in plan["why"][0]


@pytest.mark.parametrize("address", ["http://[::1/in.mp4?…", "s3://[::1/in.mp4?…"], ids=["a URL", "in storage"])
def test_an_address_in_results_that_is_none_makes_its_row_invalid(live, small_video, address) -> None:
    table = dnb.sweep(model="lucy-2.5", prompt="a", data=[small_video]).run()
    table["data"] = address
    plan = dnb.sweep(table).plan
    assert plan["plan"].tolist() == ["invalid"]
    assert "Give the whole address again" in plan["why"][0]


def test_columns_of_a_jobs_own_are_no_inputs_and_inputs_of_their_names_are(live, submitted, small_video) -> None:
    own = dnb.ModelDefinition(name="own", width=64, height=48, fps=10, url_path="/v1/jobs/lucy-2.5")
    table = dnb.sweep(model=own, prompt="a", data=small_video, status=dnb.value("mine"), fps=dnb.value(9)).run()
    assert table[["input_status", "input_fps", "status"]].to_numpy().tolist() == [["mine", 9, "completed"]]
    table["model"] = table["model"].astype(object)
    table["model"] = [own] * len(table)
    assert dnb.sweep(table).plan["plan"].tolist() == ["reused"]
    assert submitted() == 1


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra", "'=1", "''=1", "'a", "a", "", "'"])
def test_a_text_that_looks_like_a_formula_is_marked_and_read_back(text: str) -> None:
    frame = pd.DataFrame({"prompt": pd.Series([text, None], dtype="string"), "cost": [-1.5, 2.0]})
    write_csv(frame, Path("table.csv"))
    read = pd.read_csv("table.csv", keep_default_na=False, dtype=str)
    assert read["prompt"][0][:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert as_written(read["prompt"][0]) == text
    assert read["cost"].tolist() == ["-1.5", "2.0"]
    assert [path.name for path in Path().iterdir() if path.is_file()] == ["table.csv"]


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
def test_results_go_into_excel_and_come_back(live, submitted) -> None:
    pytest.importorskip("openpyxl")
    table = dnb.sweep(model=T2V, prompt=["=1+1", "007", "a\x0bb"], resolution="480p").run()
    table.to_excel("table.xlsx", index=False)
    with pd.ExcelWriter("two.xlsx") as writer:
        table.to_excel(writer, sheet_name="a", index=False)
        dnb.jobs().to_excel(writer, sheet_name="b")
    taken = submitted()
    read = pd.read_excel("table.xlsx")
    assert read["prompt"][0] == "=1+1"
    assert read["submitted_at"].dt.tz is None
    assert dnb.sweep("table.xlsx").plan["plan"].tolist()[:2] == ["reused", "reused"]
    assert dnb.sweep(read).plan["plan"].tolist()[:2] == ["reused", "reused"]
    assert submitted() == taken


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
def test_a_clip_is_found_from_anywhere(live, small_video) -> None:
    table = dnb.sweep(model=T2V, prompt=["a"], resolution="480p").run()
    Path("figures").mkdir()
    table.to_csv("figures/results.csv", index=False)
    os.chdir("figures")
    read = pd.read_csv("results.csv")
    for kept in (table, read, read.drop(columns="job_id").assign(job_id=None), read.drop(columns="sha256")):
        (clip,) = kept.decart.clips
        assert clip.path.read_bytes() == small_video.read_bytes()


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
def test_rows_that_are_no_results_yet_are_templates_and_what_was_invalid_stays_so(live, submitted) -> None:
    table = dnb.sweep(model=T2V, prompt=["a {{b}}", "a {place}"], resolution="480p").run()
    assert table["status"].tolist() == ["completed", "invalid"]
    more = pd.DataFrame({"model": [T2V], "prompt": ["a {animal}"], "animal": ["cat"], "resolution": ["480p"]})
    plan = dnb.sweep(pd.concat([table, more], ignore_index=True)).plan
    assert plan["plan"].tolist() == ["reused", "invalid", "new"]
    assert plan["prompt"].tolist()[::2] == ["a {b}", "a cat"]
    assert submitted() == 1


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
@pytest.mark.parametrize("way", ["csv", "our csv", "parquet", "concatenated"])
def test_ratings_are_read_back_beside_columns_of_that_name_of_ones_own(live, submitted, way) -> None:
    given = pd.DataFrame({"prompt": ["a {note}", "b"], "note": ["cat", None], "rating": ["PG", "R"]})
    sweep = dnb.sweep(given, model=T2V)
    table = sweep.run()
    assert table["prompt"].tolist() == ["a cat", "b"]
    assert table[["rating", "note"]].isna().all(axis=None)
    live.runner.store.rate(live.runner.store.find(job_id=table["job_id"][0])[0], rating=4, note="1984")
    for rated in (sweep.results, dnb.sweep.load(table.attrs["sweep"]).results):
        assert rated["rating"].tolist() == [4, pd.NA]
        assert rated["note"].tolist() == ["1984", pd.NA]
        assert rated["input_note"].tolist() == ["cat", pd.NA]
        assert rated["input_rating"].tolist() == ["PG", "R"]
        kept = WAYS[way](rated)
        assert {*dnb.sweep(kept).plan["plan"]} == {"reused"}
        again = kept.decart.run()
        for name in ("input_rating", "rating", "note"):
            assert again.sort_values("prompt")[name].tolist() == rated[name].tolist()
    assert submitted() == 2
