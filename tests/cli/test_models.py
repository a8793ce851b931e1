"""``decart-nb models``: what there is, and what a model takes."""

from __future__ import annotations

import pytest

import decart_nb as dnb
from decart_nb.cli import main as cli


def _said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["models", *arguments]) == 0
    return capsys.readouterr().out


def test_live_models_come_first_and_retired_ones_when_asked_for(capsys):
    shown, everything = _said(capsys), _said(capsys, "--all")
    listed = [line.split()[0] for line in everything.splitlines() if line.startswith("lucy-")]
    assert sorted(listed) == sorted(model.name for model in dnb.models)
    status = [dnb.models.video(name).status for name in listed]
    assert status == sorted(status, key=("live", "deprecated", "retired").index)
    assert "lucy-pro-t2v" not in shown
    assert f"{status.count('retired')} more are retired at Decart" in shown


def test_it_fits_a_hundred_columns(capsys):
    assert max(map(len, _said(capsys, "--all").splitlines())) <= 100
    assert all(max(map(len, _said(capsys, model.name).splitlines())) <= 100 for model in dnb.models)


@pytest.mark.parametrize("model", list(dnb.models), ids=lambda model: model.name)
def test_a_model_is_told_with_the_options_that_it_takes(model, capsys):
    text = _said(capsys, model.name)
    assert text.startswith(f"{model.name}: {model.kind}, {model.status}")
    assert [field.name for field in model.fields if f"\n--{field.name.replace('_', '-')} " not in text] == []


def test_of_two_inputs_exactly_one_is_said_to_be_needed(capsys):
    text = _said(capsys, "lucy-restyle-2")
    assert "this or reference_image, not both" in text
    assert "this or prompt, not both" in text


def test_an_unknown_model_is_told_the_closest(capsys):
    assert cli.main(["models", "lucy-2.55"]) == 1
    assert "Did you mean lucy-2.5" in capsys.readouterr().err
