"""The measurements table: values by the digests of videos, and by the name and version of metrics."""

from __future__ import annotations

import math

from decart_nb.store.measurements import StoredMeasurement
from decart_nb.store.store import Store
from tests.records import older_database, run_and_end, wanted

_CLIP, _OTHER = "0f" * 32, "1e" * 32


def test_numbers_texts_and_what_is_missing_come_back(tmp_path) -> None:
    store = Store(tmp_path / "runs")
    rows = [
        StoredMeasurement(_CLIP, "", "motion", 1, 0.25),
        StoredMeasurement(_CLIP, _OTHER, "kept_psnr", 1, math.inf),
        StoredMeasurement(_CLIP, "", "fingerprint", 1, "ab.cd"),
        StoredMeasurement(_CLIP, "", "loudness", 1, math.nan),
        StoredMeasurement(_OTHER, "", "motion", 1, math.nan, "it is damaged"),
    ]
    store.measurements.write(rows)
    names = {(row.name, row.version) for row in rows}
    found = {row[:4]: row for row in Store(tmp_path / "runs").measurements.read({_CLIP, _OTHER}, names)}
    assert found.keys() == {row[:4] for row in rows}
    for row in rows:
        assert repr(found[row[:4]]) == repr(row)  # a NaN equals nothing, not itself either
    assert [row.error for row in rows] == ["", "", "", "", "it is damaged"]


def test_a_version_is_a_value_of_its_own_and_only_what_is_asked_for_is_read(tmp_path) -> None:
    store = Store(tmp_path / "runs")
    store.measurements.write(StoredMeasurement(_CLIP, "", "motion", version, float(version)) for version in (1, 2))
    store.measurements.write([StoredMeasurement(_CLIP, "", "flicker", 2, 5.0)])
    assert [row.value for row in store.measurements.read([_CLIP], [("motion", 2)])] == [2.0]
    assert store.measurements.read([_OTHER], [("motion", 2)]) == []
    store.measurements.write([StoredMeasurement(_CLIP, "", "motion", 2, 7.0)])
    assert [row.value for row in store.measurements.read([_CLIP], [("motion", 2)])] == [7.0]


def test_measurements_of_two_processes_are_both_kept_and_touch_no_job(tmp_path) -> None:
    store = Store(tmp_path / "runs")
    record, _ = store.claim(wanted())
    store.update(record, status="completed", sha256=_CLIP, cost=0.2)
    before = store.find()
    run_and_end(
        store.folder,
        f"""
        from decart_nb.store.measurements import StoredMeasurement
        store.measurements.write([StoredMeasurement({_CLIP!r}, "", "motion", 1, 1.5)])
        """,
    )
    store.measurements.write([StoredMeasurement(_CLIP, "", "flicker", 1, 2.5)])
    assert len(store.measurements.read([_CLIP], [("motion", 1), ("flicker", 1)])) == 2
    assert store.find() == before


def test_a_store_from_before_gets_measurements(tmp_path) -> None:
    folder = tmp_path / "runs"
    with older_database(folder, 7):
        pass
    store = Store(folder)
    store.measurements.write([StoredMeasurement(_CLIP, "", "motion", 1, 1.0)])
    assert [row.value for row in store.measurements.read([_CLIP], [("motion", 1)])] == [1.0]
