"""The one tree of errors, grouped by what the caller should do.

SluiceError
├── RetryError            try again: network, timeout, 429, 5xx, lock, server restarting
├── InputError            fix the input; never retried
│   ├── SourceError       the source is missing, or refuses us
│   │   └── PolicyRefused   the source does not keep to its security policy
│   ├── ReadError         the bytes are not a table we understand
│   ├── ContractError     a contract file is wrong
│   └── DataRefused       the data broke a rule that stops the load
├── SetupError            fix the set-up: configuration, credentials, missing dataset
│   └── SchemaConflict    the live table differs from the contract in a way that would lose data
├── Interrupted           Ctrl-C or a request to end came while it ran
└── BugError              a mistake in Sluice itself
"""

from typing import Any, ClassVar, Literal, Self

Category = Literal["VALIDATION", "PARSING", "NETWORK", "TRANSFORMATION"]


class SluiceError(Exception):
    """What happened, where, and what to do next.

    ``facts`` holds what a program would want to know (file, record, column, dataset, ...). It must be
    picklable and must never hold a secret.
    """

    category: ClassVar[Category] = "TRANSFORMATION"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.hint, self.facts))

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-ready values, for ``--json`` and the job's ``details``."""
        return {
            "error": type(self).__name__,
            "category": self.category,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            **{name: str(value) for name, value in self.facts.items()},
        }

    @classmethod
    def of(cls, cause: BaseException, *, hint: str = "", **facts: Any) -> Self:
        """Wrap a foreign exception, keeping the first line of its text, as a sentence."""
        text = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        return cls(f"{text.removesuffix('.')}.", hint=hint, **facts)


def _rebuild(kind: type[SluiceError], message: str, hint: str, facts: dict[str, Any]) -> SluiceError:
    return kind(message, hint=hint, **facts)


class RetryError(SluiceError):
    """Passing trouble: network, timeout, lock, a server that restarts. Safe to try again."""

    category: ClassVar[Category] = "NETWORK"
    retryable = True


class InputError(SluiceError):
    """The input must change before another try can succeed."""

    category: ClassVar[Category] = "VALIDATION"
    exit_code = 1


class SourceError(InputError):
    """The source is missing, or refuses us for good (404, 403, bad certificate)."""

    category: ClassVar[Category] = "NETWORK"
    exit_code = 2


class PolicyRefused(SourceError):
    """The source, or our login to it, is not what its security policy wants; no record was asked for, or no more."""


class ReadError(InputError):
    """The bytes are not a table that Sluice understands."""

    category: ClassVar[Category] = "PARSING"


class ContractError(InputError):
    """A contract file is wrong. ``facts``: file, line."""

    exit_code = 2


class DataRefused(InputError):
    """The data broke a rule that stops the whole load; nothing was published."""


class SetupError(SluiceError):
    """Configuration, credentials or a dataset is missing or wrong."""


class SchemaConflict(SetupError):
    """The live table differs from the contract in a way that would lose data."""


class Interrupted(SluiceError):
    """Somebody asked the process to end while it worked."""


class BugError(SluiceError):
    """A mistake in Sluice itself. Please report it."""
