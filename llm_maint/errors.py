"""The error tree: what llm-maint knows how to explain, and the exit code each error ends with."""

from enum import IntEnum

TYPE_CHECKING = False  # as `typing` has it, without the time that importing it costs a tick
if TYPE_CHECKING:
    from typing import Self


class ExitCode(IntEnum):
    """What a script may rely on; 69 to 78 are the values of sysexits.h."""

    OK = 0
    JOB_FAILED = 1
    USAGE = 2
    HELD = 3
    UNAVAILABLE = 69
    BUG = 70
    BUSY = 75
    CONFIGURATION = 78
    INTERRUPTED = 130
    TERMINATED = 143


class MaintError(Exception):
    """Something went wrong that llm-maint can explain.

    `transient` says whether trying again later may help: the retry policy of `domain.settlement`
    reads it. `ends_run` says that what failed once in a run would fail each time.
    """

    exit_code = ExitCode.JOB_FAILED
    transient = False
    ends_run = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().split("\n", 1)[0])


class UsageError(MaintError):
    """The command cannot be carried out as it was given."""

    exit_code = ExitCode.USAGE


class OutputError(MaintError):
    """The output cannot be written."""


class UnknownNameError(UsageError):
    """No such name."""


class UnknownJobTypeError(UnknownNameError):
    """No such job type: neither built in nor brought by an installed package."""


class InvalidInputError(UsageError):
    """The input file cannot be read."""


class ConfigurationError(MaintError):
    """The configuration is not valid."""

    exit_code = ExitCode.CONFIGURATION
    ends_run = True


class KeyRefusedError(ConfigurationError):
    """The model server refuses the key, or asks for one."""


class UnknownModelError(ConfigurationError):
    """The model server has no such model, or no such path."""


class SchemaError(MaintError):
    """The database schema is not the one this version works with."""

    exit_code = ExitCode.CONFIGURATION


class ForeignTableError(SchemaError):
    """A table of one of our names is there already and is not ours."""


class DatabaseUnavailableError(MaintError):
    """The database cannot be reached or written."""

    exit_code = ExitCode.UNAVAILABLE
    transient = True


class DatabaseBusyError(MaintError):
    """The database is locked by another process; try again later."""

    exit_code = ExitCode.BUSY
    transient = True


class DataError(MaintError):
    """The database refused a value, or holds one that cannot be read."""


class JobBusyError(MaintError):
    """The job is being run by another process; try again later."""

    exit_code = ExitCode.BUSY
    transient = True


class ClaimLostError(MaintError):
    """The claim was lost: the job outlived its lease, so it changed nothing."""

    transient = True


class ModelUnavailableError(MaintError):
    """The model server cannot be reached."""

    exit_code = ExitCode.UNAVAILABLE
    transient = True
    ends_run = True


class ModelBusyError(MaintError):
    """The model server asks for a longer wait than a run has."""

    exit_code = ExitCode.BUSY
    transient = True
    ends_run = True


class ModelFailedError(MaintError):
    """The model server kept failing at one request; it may answer others."""

    exit_code = ExitCode.UNAVAILABLE
    transient = True


class DeferredError(MaintError):
    """The work that needs the model waits for the next run."""

    exit_code = ExitCode.BUSY
    transient = True

    @classmethod
    def because(cls, error: MaintError) -> "Self":
        """Return the deferral that an error is the cause of, with what it means for the run."""
        deferred = cls(str(error))
        deferred.exit_code = error.exit_code
        deferred.transient = error.transient
        return deferred


class BudgetSpentError(DeferredError):
    """The calls or tokens of a run are spent; the rest waits for the next one."""


class ModelReplyError(MaintError):
    """The model's reply cannot be used."""

    transient = True


class UnreadableReplyError(ModelReplyError):
    """The reply is not the one JSON object that was asked for; another seed may bring it."""


class EmbeddingsUnavailableError(MaintError):
    """The model server gives no embeddings by this model; chat may be served all the same."""

    exit_code = ExitCode.CONFIGURATION


class RequestRefusedError(ModelReplyError):
    """The model server refuses this request in every form."""


class ModelRefusalError(ModelReplyError):
    """The model, or a filter before it, refuses to answer this request."""

    transient = False


class PromptTooLongError(ModelReplyError):
    """The request does not fit into the model's context; half of it may."""


class PromptRefusedError(PromptTooLongError):
    """The model server says that the request is too long for the model's context."""


class LostPromptError(PromptTooLongError):
    """The model server answered without having seen the whole request."""


class PlanRefusedError(MaintError):
    """The plan cannot be applied or undone as it stands."""


class JobTimedOutError(BaseException):
    """The job took longer than it may.

    A BaseException: no `except Exception` of a job may take it for the failure of one entity.
    """


class InterruptedRunError(BaseException):
    """A signal asked the process to stop while a job was running.

    A BaseException, as KeyboardInterrupt is: no `except Exception` on the way may swallow it.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.exit_code = ExitCode(128 + signal_number)
