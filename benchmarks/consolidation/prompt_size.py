"""How large a prompt is: rules, schema, and what each row adds, in characters and tokens."""

import json
from functools import cache

import datasets
from offline import REQUEST_ROWS, attributes
from served import CHARS_PER_TOKEN
from tables import markdown

from llm_maint.domain.entity import Entity
from llm_maint.domain.prompt import PROMPT_VERSION, RULES, SCHEMA
from llm_maint.domain.request import request_for

SET = "syn0500_a"


def main() -> None:
    """Print the table."""
    dataset = datasets.load(SET)
    entity, rows = Entity("user", dataset.owner), attributes(dataset.rows)
    empty = len(request_for(entity, []).prompt.user)
    whole = len(request_for(entity, rows).prompt.user)
    full = request_for(entity, rows[:REQUEST_ROWS]).prompt.size + schema_characters()
    values = sum(len(f"{row.category}{row.key}{row.text}") for row in rows)
    sizes = {
        f"rules ({PROMPT_VERSION})": len(RULES),
        "schema": schema_characters(),
        "a request without rows": empty,
        "a row": round((whole - empty) / len(rows)),
        "of it category, key and value": round(values / len(rows)),
        f"a whole request of {REQUEST_ROWS} rows": full,
    }
    lines = [[name, size, round(size / CHARS_PER_TOKEN)] for name, size in sizes.items()]
    print(markdown([f"part, on {SET}", "characters", "tokens"], lines))


@cache
def schema_characters() -> int:
    """Return the characters of the schema as JSON."""
    return len(json.dumps(SCHEMA))


if __name__ == "__main__":
    main()
