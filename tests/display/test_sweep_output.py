"""Notebook outputs of sweeps: the static one at each time, and the live view beside it."""

from __future__ import annotations

import pytest

from decart_nb.display.sweep_output import SweepOutput
from tests.fake_sweep import FakeSweep, Outputs

_HTML = "<img src=x onerror=alert(1)>"
_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def sweep() -> FakeSweep:
    return FakeSweep()


@pytest.fixture
def outputs() -> Outputs:
    return Outputs()


def test_at_the_end_nobody_observes_any_more(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=True)
    assert len(sweep.observers) == 3
    sweep.tell(over=True)
    assert sweep.observers == []
    SweepOutput(sweep, outputs.publish, live=True)
    assert sweep.observers == []


def test_a_person_gets_a_live_view_beside_the_static_one(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=True)
    static, live = outputs.outputs.values()
    assert set(static) == {"text/html", "text/plain"}
    assert "decart-output decart-output-" in static["text/html"]
    assert _VIEW in live


def test_a_headless_run_gets_one_plain_output(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False, starting=True)
    sweep.tell(over=True, done=20, running=0, failed=1, waiting=0)
    assert len(outputs.outputs) == 1
    assert "<style>" not in outputs.html
    assert outputs.text == (
        "sweep cats: 23 of 24 done (3 reused) in under 1 s, 1 failed, about $0.84 of at most $5.00\nSlowed down."
    )


def test_what_is_kept_of_a_run_that_goes_on_says_how_to_see_more(outputs) -> None:
    SweepOutput(FakeSweep(name=f"it's {_HTML}"), outputs.publish, live=True)
    assert outputs.text.startswith(
        f"""status when the notebook was last saved; dnb.sweep.load("it's {_HTML}") shows its current status:\n"""
    )
    assert "it&#x27;s &lt;img src" in outputs.html
    assert _HTML not in outputs.html


def test_two_prices_are_no_formula(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False)
    assert 'class="decart-fallback mathjax_ignore tex2jax_ignore"' in outputs.html


def test_what_is_kept_comes_anew_now_and_then(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False, interval=0.0)
    sweep.tell(done=15)
    assert outputs.published == 2
    assert "18 of 24 done" in outputs.text
    sweep.tell()
    assert outputs.published == 2


def test_and_at_the_end_in_any_case(outputs, sweep) -> None:
    SweepOutput(sweep, outputs.publish, live=False, interval=3600.0)
    sweep.tell(done=15)
    assert outputs.published == 1
    sweep.tell(over=True)
    assert outputs.published == 2
    assert "when the notebook was last saved" not in outputs.text
