"""What `doctor` finds: one check after the other, each with what mends it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from llm_maint.domain.settlement import worst
from llm_maint.errors import ExitCode, MaintError


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: what was looked at, what was found, and the command that mends it."""

    name: str
    state: State
    found: str
    mend: str = ""
    exit_code: ExitCode = ExitCode.OK

    def document(self) -> dict[str, str | None]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "state": self.state.value,
            "found": self.found,
            "mend": self.mend or None,
        }


def with_options(checks: Iterable[Check], options: str) -> list[Check]:
    """Return the checks with commands that find the settings which were looked at.

    Args:
        checks: any.
        options: what stands before the name of a command, as ` --config FILE`; or nothing.

    """
    ours = "llm-maint "
    return [replace(each, mend=each.mend.replace(ours, f"llm-maint{options} ")) for each in checks]


def failed(name: str, error: MaintError, mend: str = "") -> Check:
    """Return the check that ended with an error."""
    return Check(
        name=name, state=State.FAILURE, found=str(error), mend=mend, exit_code=error.exit_code
    )


def worst_state(checks: Iterable[Check]) -> State:
    """Return how a check-up went: as the worst of its checks."""
    found = {check.state for check in checks}
    return next((each for each in (State.FAILURE, State.WARNING) if each in found), State.OK)


def exit_code_of(checks: Iterable[Check]) -> ExitCode:
    """Return the exit code of a check-up: warnings are no failure."""
    return worst(check.exit_code for check in checks if check.state is State.FAILURE)
