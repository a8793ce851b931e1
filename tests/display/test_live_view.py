"""The base class of the live views."""

from __future__ import annotations

import pytest
import traitlets
from ipywidgets import Widget

from decart_nb import InvalidInputError
from decart_nb.display.live_view import LiveView, assets
from tests import front_end


class _View(LiveView):
    _esm, _css = assets("job_view")
    speed = traitlets.Int(1).tag(sync=True)

    def text(self) -> str:
        return f"speed {self.speed}"


def test_an_unknown_keyword_is_refused_with_the_closest_name() -> None:
    with pytest.raises(InvalidInputError, match=r"_View has no sped\. Did you mean speed\?"):
        _View(sped=2)
    with pytest.raises(InvalidInputError, match="has no _esm"):
        _View(_esm="")
    view = _View(speed=2)
    assert repr(view) == "<speed 2>"
    view.close()


def test_script_and_style_follow_on_those_of_the_base_as_one_module() -> None:
    script, style = assets("job_view")
    assert "import " not in script
    assert script.index("function view(") < script.index("export default")
    assert style.index("--decart-text:") < style.index(".decart-job-line")


def test_parts_follow_what_they_import_and_each_is_there_once() -> None:
    script, _ = assets("compare_view")
    assert "import " not in script
    for name in ("class Clock", "function comparePane(", "function comparison(", "function mediaChannel("):
        assert script.count(name) == 1
        assert script.index("function view(") < script.index(name) < script.index("export default")
    assert script.index("function comparePane(") < script.index("function comparison(")
    assert assets("clock", "compare_parts", "compare", "media_channel", "compare_view")[0].count("class Clock") == 1


def test_parts_follow_each_other_in_order_and_may_have_no_style() -> None:
    script, style = assets("clock", "job_view")
    assert "import " not in script
    assert script.index("function view(") < script.index("class Clock") < script.index("export default")
    assert style == assets("job_view")[1]


def test_a_view_that_no_frontend_shows_any_more_is_closed_with_its_layout() -> None:
    before = Widget.get_manager_state()
    view = _View()
    for count in (1, 2, 1):
        front_end.set_state(view, _view_count=count)
    assert view.comm is not None
    assert len(Widget.get_manager_state()["state"]) == len(before["state"]) + 2
    front_end.set_state(view, _view_count=0)
    assert view.comm is None
    assert Widget.get_manager_state() == before


def test_the_output_of_a_view_is_empty_where_no_widgets_are_shown() -> None:
    view = _View()
    bundle = view.bundle()
    assert bundle.pop("application/vnd.jupyter.widget-view+json")["model_id"] == view.model_id
    assert bundle == {"text/html": "", "text/plain": ""}
    view.close()
