"""What is known while `init` asks: settings that were given, and the person who gives the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap import root
from llm_maint.console.output import Output
from llm_maint.console.questions import ask

if TYPE_CHECKING:
    from llm_maint.settings.loading import LoadedSettings
    from llm_maint.settings.sections import Settings

URL, SCHEMA = "database.url", "database.schema"
SERVER, MODEL = "llm.base_url", "llm.model"
EVERY = "profile_maintenance.interval_minutes"


@dataclass(slots=True)
class Answers:
    """A person at the terminal, and what is known so far.

    `given` are the settings that options or answers gave, as texts; an empty one was answered too.
    `needs_key` tells that the model server asks for a key, which no question is about.
    """

    out: Output
    file: Path | None
    given: dict[str, str]
    needs_key: bool = False
    _greeted: bool = False

    def ask(self, question: str, default: str) -> str:
        """Return a person's answer; see `questions.ask`."""
        if not self._greeted:
            self.out.say("Enter takes what is in brackets; Ctrl-C leaves everything as it was.")
            self._greeted = True
        return ask(question, default)

    def tell(self, text: object) -> None:
        """Say what came of an answer."""
        self.out.say(f"  {text}")

    def lack(self, name: str) -> bool:
        """Return whether nothing has given a setting: no answer, option, variable or file."""
        return name not in self.given and self.loaded().origins[name] == "default"

    def loaded(self) -> "LoadedSettings":
        """Return the settings as they would be."""
        return root.load_settings_of(self.file, self.given)

    def settings(self, more: Mapping[str, str] | None = None) -> "Settings":
        """Return the settings as they would be with `more`.

        Raises:
            ConfigurationError: one of them has a value it cannot have.

        """
        return root.load_settings_of(self.file, {**self.given, **(more or {})}).settings
