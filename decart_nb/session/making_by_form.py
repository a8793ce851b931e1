"""The function that opens a form, and the way of its requests to the session's queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._util.public import public
from ..request.catalogue import models
from ..request.models import ModelDefinition
from .current import current_session
from .functions import connect
from .preparing import fitted_inputs
from .submitting import submit_request

if TYPE_CHECKING:
    from ..display.form import Form
    from ..job.job import Job
    from .session import Session


@public
def form(model: str = "lucy-2.5") -> Form:
    """Opens a form that makes clips without code: a model, its inputs, the cost before the click, and the clips.

    A notebook shows it as a cell's last line, or where ``display`` is called on it. Files are uploaded, or given by
    their paths. ``form.jobs`` has what was made with it; "Copy as code" gives the call that does the same.

    Args:
        model: the name of the model to begin with.

    Raises:
        InvalidInputError: there is no such model, or the session's queue does not take it any more.
        BackendError: neither Decart nor the local queue was chosen.

    Examples:
        >>> import decart_nb as dnb
        >>> session = dnb.connect("local")
        >>> form = dnb.form("lucy-restyle-2")
        >>> form
        <Form for lucy-restyle-2>
    """
    from ..display.form import Form, Gate

    session = current_session() or connect()
    runner = session.runner

    def submit(definition: ModelDefinition, inputs: Mapping[str, Any]) -> Job:
        return submit_request(runner, definition, inputs)

    gate = Gate(submit, fitted_inputs, runner.price, runner.payment)
    return Form(_choices(session), gate, model=model)


def _choices(session: Session) -> list[ModelDefinition]:
    """The models that the session's queue takes: the local one those too that are retired at Decart."""
    offered = [*models.live, *(model for model in models.deprecated if not model.successor)]
    return [*offered, *models.retired] if session.backend == "local" else offered
