"""The simulated models by name, and the targets that hold for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from careless import Careless
from datasets import DataSet
from hostile import HOSTILE, Quiet
from oracle import Answer, Oracle, Textless
from sly import Sly

NONE = "none"
"""No model is configured."""

SLY = "sly"

WATCHED = "watched"
"""A model that no target is set for."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How a model is made for a set, and the row of targets that it has to reach."""

    target: str
    make: Callable[[DataSet], Answer]


def _hostile(answer: Answer) -> Simulated:
    return Simulated("hostile", lambda _: answer)


MODELS: Mapping[str, Simulated] = {
    "oracle": Simulated("oracle", lambda dataset: Oracle(dataset).reply),
    "textless": Simulated(WATCHED, lambda dataset: Textless(dataset).reply),
    "careless": Simulated("careless", lambda dataset: Careless(dataset).reply),
    **{name: _hostile(answer) for name, answer in HOSTILE.items()},
    "quiet": Simulated("hostile", lambda dataset: Quiet(dataset).reply),
    SLY: Simulated("sly", lambda dataset: Sly(dataset).reply),
}

NAMES = (*MODELS, NONE)
