"""What stands behind ``%%decart``."""

from __future__ import annotations

import pytest

from decart_nb import InvalidInputError, ModelDefinition, ModelNotFoundError
from decart_nb.notebook.magic_parser import fill, read


def test_a_line_is_read_as_a_shell_would():
    asked = read("lucy-2.5 --data 'my video.mp4' --seed=3 --reference-image ~/a.png -o job --wait", {})
    assert asked.model.name == "lucy-2.5"
    assert asked.inputs == {"data": "my video.mp4", "seed": 3, "reference_image": "~/a.png"}
    assert (asked.output, asked.wait) == ("job", True)
    bare = read("lucy-2.5", {})
    assert (bare.inputs, bare.output, bare.wait) == ({}, None, False)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("--enhance-prompt", True),
        ("--enhance_prompt", True),
        ("--enhance-prompt true", True),
        ("--enhance-prompt=False", False),
        ("--enhance-prompt {off}", False),
        ("--no-enhance-prompt", False),
        ("--no-enhance_prompt", False),
        ("--enhance-prompt=maybe", "maybe"),  # the catalogue says what is wrong with it
    ],
)
@pytest.mark.parametrize("then", ["", " --seed 1", " --wait"])
def test_a_flag_needs_no_value(said, meant, then):
    asked = read(f"lucy-2.5 {said}{then}", {"off": False})
    assert asked.inputs["enhance_prompt"] == meant
    assert asked.inputs.get("seed") == (1 if "seed" in then else None)
    assert asked.wait == ("wait" in then)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed -1", -1),
        ("--seed many", "many"),
        (
            """--trajectory '[[0, 0.1, 0.2], {"frame": 9, "x": 1, "y": 1}]'""",
            [[0, 0.1, 0.2], {"frame": 9, "x": 1, "y": 1}],
        ),
        ("--trajectory '[[0,'", "[[0,"),
        ("--resolution=720p", "720p"),
        ("--data=a=b.png", "a=b.png"),
        ("--data=--odd.png", "--odd.png"),
    ],
)
def test_a_value_is_what_its_option_holds_or_stays_as_it_is(option, value):
    assert list(read(f"lucy-motion {option}", {}).inputs.values()) == [value]


def test_a_name_in_braces_is_the_object_itself_where_it_stands_alone():
    still, points, folder = object(), [(0, 0.5, 0.5), (9, 1, 1)], "frames"
    variables = {"still": still, "points": points, "folder": folder, "größe": 3}
    asked = read("lucy-motion --data {still} --trajectory={points} --seed {größe}", variables)
    assert asked.inputs["data"] is still
    assert asked.inputs["trajectory"] is points
    assert asked.inputs["seed"] == 3
    assert read("lucy-motion --data {folder}/{größe}.png", variables).inputs == {"data": "frames/3.png"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("A {animal}, {animal}", "A cat, cat"),
        ("{n} cats", "3 cats"),
        ("{{animal}} and {{{animal}}}", "{animal} and {cat}"),
        ("{} {1} {animal!r} { animal } {0.5}", "{} {1} {animal!r} { animal } {0.5}"),
        ("{tricky}", "{animal} {{"),  # what was filled in is not filled again
        ("$animal", "$animal"),
    ],
)
def test_braces_are_filled_where_they_hold_a_name(text, filled):
    assert fill(text, {"animal": "cat", "n": 3, "tricky": "{animal} {{"}) == filled


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "needs a model first, as in %%decart"),
        ("--seed 3 lucy-2.5", "needs a model first"),
        ("lucy-2.5 --sede 3", r"has no option --sede\. Did you mean --seed.* It takes --data, .*--wait; the prompt"),
        ("lucy-2.5 --wiat", "Did you mean --wait"),
        ("lucy-2.5 -x", "has no option -x"),
        ("lucy-2.5 -seed 3", r"has no option -seed\. Did you mean --seed"),
        ("lucy-2.5 A cat", "has no option A.*the prompt is the cell's body"),
        ("lucy-2.5 --prompt cat", "has no option --prompt.*the prompt is the cell's body"),
        ("lucy-2.5 --seed", "--seed needs a value"),
        ("lucy-2.5 --seed --wait", "--seed needs a value"),
        ("lucy-2.5 --seed -o job", "--seed needs a value"),
        ("lucy-2.5 --seed 1 --seed 2", "--seed is one too many"),
        ("lucy-2.5 --enhance-prompt --no-enhance-prompt", "--no-enhance-prompt is one too many"),
        ("lucy-2.5 --no-enhance-prompt=true", "takes no value"),
        ("lucy-2.5 --wait=perhaps", "--wait must be true or false, not 'perhaps'"),
        ("lucy-2.5 -o 3x", "-o needs the name of a variable, not '3x'"),
        ("lucy-2.5 -o class", "-o needs the name of a variable"),
        ("lucy-2.5 -o", "-o needs a value"),
        ("lucy-2.5 --data 'x", "no closing quotation"),
        ("lucy-2.5 --data {vidoe}", r"no variable vidoe for {vidoe}\. Did you mean video\?.*{{vidoe}}"),
        ("{video}", "model is a int"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(line, said):
    with pytest.raises(InvalidInputError, match=said) as caught:
        read(line, {"video": 1})
    assert "\n" not in str(caught.value)


def test_an_unknown_model_is_said_to_be_unknown():
    with pytest.raises(ModelNotFoundError, match=r"Did you mean lucy-2\.5"):
        read("lucy-25", {})


def test_the_callers_own_model_takes_whatever_it_is_given():
    own = ModelDefinition(name="lucy-9", width=640, height=360, fps=24)
    asked = read("{own} --dark-mood blue --data a.mp4 --wait", {"own": own})
    assert asked.model is own
    assert asked.inputs == {"dark_mood": "blue", "data": "a.mp4"}
    assert asked.wait
    for option in ("--prompt x", "--model x", "-x 3"):
        with pytest.raises(InvalidInputError, match="has no option"):
            read(f"{{own}} {option}", {"own": own})
