"""The family of errors."""

from __future__ import annotations

import pickle
import re

import pytest

import decart_nb
from decart_nb import errors

NO_ARGUMENTS = {
    "ModelNotFoundError": ("lucy-9",),
    "JobFailedError": ("job_1", "out of paint"),
}


def documented_tree() -> dict[str, str]:
    """Each class that the module's docstring draws, and the one it hangs from."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)(\w+Error)\b", line)
        if not found:
            continue
        depth, name = len(found[1]), found[2]
        while above and above[-1][0] >= depth:
            above.pop()
        if above:
            parents[name] = above[-1][1]
        above.append((depth, name))
    return parents


TREE = documented_tree()
DEFINED = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
}


def made(name: str) -> errors.DecartSDKError:
    return DEFINED[name](*NO_ARGUMENTS.get(name, ("It went wrong.",)))


def test_the_documented_tree_is_the_real_one() -> None:
    family = {name for name, kind in DEFINED.items() if issubclass(kind, errors.DecartSDKError)}
    assert set(TREE) == family - {"DecartSDKError"}
    for name, parent in TREE.items():
        assert DEFINED[parent] in DEFINED[name].__bases__, f"{name} is drawn under {parent}"


def test_every_exported_error_is_of_the_family() -> None:
    exported = [name for name in decart_nb.__all__ if name.endswith("Error")]
    assert set(exported) == set(TREE) | {"DecartSDKError"}
    assert all(issubclass(getattr(decart_nb, name), decart_nb.DecartSDKError) for name in exported)


@pytest.mark.parametrize("name", sorted({*TREE, "DecartSDKError"}))
def test_every_error_has_a_message_that_is_its_text_and_data_and_cause(name: str) -> None:
    error = made(name)
    assert error.message
    assert str(error) == error.message
    assert isinstance(error.data, dict)
    assert error.cause is None


def test_data_and_cause_are_kept_and_the_data_is_nobody_elses() -> None:
    cause = ValueError("deep down")
    error = errors.QueueSubmitError("No.", {"status": 422}, cause)
    assert (error.message, error.data, error.cause) == ("No.", {"status": 422}, cause)
    errors.DecartSDKError("a").data["status"] = 1
    assert errors.DecartSDKError("b").data == {}


def test_a_missing_key_says_how_to_give_one_and_how_to_do_without() -> None:
    text = str(errors.InvalidAPIKeyError())
    assert "api_key" in text
    assert "DECART_API_KEY" in text
    assert 'connect("local")' in text


def test_a_failed_job_names_its_id_and_the_reason() -> None:
    error = errors.JobFailedError("job_7", "the image is all black")
    assert str(error) == "Job job_7 failed: the image is all black"
    assert (error.job_id, error.reason) == ("job_7", "the image is all black")
    assert error.data == {"job_id": "job_7", "reason": "the image is all black"}


def test_a_job_that_takes_too_long_is_a_timeout_to_whoever_catches_those() -> None:
    assert issubclass(errors.JobTimeoutError, TimeoutError)


def test_an_unknown_model_names_itself_and_the_closest_ones() -> None:
    error = errors.ModelNotFoundError("lucy-pro-t2w", ["lucy-pro-t2v", "lucy-motion", "entirely-else"])
    assert error.model == "lucy-pro-t2w"
    assert "lucy-pro-t2w" in str(error)
    assert "Did you mean lucy-pro-t2v" in str(error)
    assert "entirely-else" not in str(error)


@pytest.mark.parametrize("name", ["DecartSDKError", "QueueSubmitError", "ModelNotFoundError", "JobFailedError"])
def test_an_error_survives_the_way_to_another_process(name: str) -> None:
    error = made(name)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == copy.message == error.message
    assert copy.data == error.data


def test_a_model_warning_can_be_filtered_as_a_user_warning() -> None:
    assert issubclass(errors.ModelWarning, UserWarning)
