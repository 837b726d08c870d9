"""What attributes of profiles and memories differ in: their commands, tables, and how they read.

To models and to the score every row has a category, a key and a value, a memory as well: the same
as in a request. So one harness and one score do for both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""A row with category, key and value; `id` and `source_message_id` are its name in the set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How rows of a kind are dealt with from outside.

    `noun` is the group of commands, `rows` what its reports call the rows, `whose` the option that
    says whose are meant, and which commands take it; `owner` is what the truth calls that.
    `export` and `undo` are the commands that print the rows and take a plan back, `queries` read
    all that is the assistant's own. `row` makes a row of an exported document.
    """

    noun: str
    rows: str
    whose: str
    asking_whose: frozenset[str]
    owner: str
    export: Sequence[str]
    undo: Sequence[str]
    queries: Sequence[str]
    row: Callable[[Row], Row]

    def command(self, arguments: Sequence[str], owner: str) -> list[str]:
        """Return a command about an owner's rows."""
        whose = [self.whose, owner] if arguments[0] in self.asking_whose else []
        return [self.noun, *arguments, *whose]


def memory_row(document: Mapping[str, Any]) -> Row:
    """Return a memory as a row. Its id is its own and is kept, so it is followed by that."""
    return {
        **document,
        "source_message_id": document["id"],
        "category": "memory",
        "key": "",
        "value": document["content"],
        "source": None,
        "confidence": document["importance"],
    }


PROFILE = Kind(
    noun="profile",
    rows="attributes",
    whose="--entity",
    asking_whose=frozenset({"consolidate", "export"}),
    owner="entity_id",
    export=("export",),
    undo=("undo",),
    queries=(
        "SELECT * FROM entity_profile_attributes ORDER BY id",
        "SELECT entity_id, summary FROM entity_profiles",  # without the time of writing
    ),
    row=lambda document: document,
)

MEMORY = Kind(
    noun="memory",
    rows="memories",
    whose="--bot",
    asking_whose=frozenset({"consolidate", "export", "import", "plans", "restore"}),
    owner="bot_id",
    export=("export", "--no-vectors"),
    undo=("restore",),
    queries=("SELECT * FROM memories ORDER BY bot_id, id",),
    row=memory_row,
)

PINS = {"pinned", "protected"}
"""Tags that protect a memory by default."""


def is_protected(row: Row) -> bool:
    """Return whether nothing may change a row."""
    return wins(row) or (row["category"] != "memory" and row.get("confidence") == 1)


def wins(row: Row) -> bool:
    """Return whether a row goes on for any other: an attribute by its source, a memory by a tag."""
    tags = map(str.casefold, row.get("tags", ()))
    return row.get("source") == "explicit" or not PINS.isdisjoint(tags)
