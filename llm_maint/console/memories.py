"""What recurrence and decay found among a bot's memories, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_maint.console.excerpt import excerpt
from llm_maint.console.output import Line

MOST = 20
"""Memories that are shown one by one; how many there are is said besides."""


def recurrence_lines(found: Mapping[str, Any], *, dry_run: bool) -> Iterator[Line]:
    """Return the themes that recur, and which tags were, or would be, changed."""
    for theme in found["themes"]:
        when = f"{theme['occasions']} times in {theme['memories']} memories"
        yield Line(f"  {theme['word']:<20} {when}")
    bot, share = found["bot_id"], found["share"]
    yield Line(
        f"{bot}: {found['recurring']:,} of {found['memories']:,} recur ({share:.0%})", "bold"
    )
    changed = f"{found['tagged']:,} tagged, {found['untagged']:,} untagged"
    if found["warning"] is not None:
        yield Line(found["warning"], "yellow")
    if not found["tagged"] and not found["untagged"]:
        yield Line("nothing to change", "bold")
    elif dry_run:
        yield Line(f"dry run: {changed} if it were applied; nothing was written", "bold")
    elif not found["plan_ids"]:
        yield Line("nothing was changed: others have changed the same memories meanwhile", "bold")
    else:
        yield Line(f"{changed}; to undo: {restoring(found['plan_ids'])}", "bold")


def restoring(plan_ids: Sequence[str]) -> str:
    """Return the commands that undo some plans: what came last first, each by itself."""
    if len(plan_ids) > MOST:
        return f"each of the {len(plan_ids):,} plans of: llm-maint memory plans -n {len(plan_ids)}"
    return " && ".join(f"llm-maint memory restore {each[:8]}" for each in reversed(plan_ids))


def decay_lines(
    found: Mapping[str, Any], texts: Mapping[str, str], *, dry_run: bool, brief: bool
) -> Iterator[Line]:
    """Return what has faded, and what was, or would be, pruned of it."""
    counted = {f"effective importance {name}": n for name, n in found["distribution"].items()}
    counted |= {f"exempt: {reason}": n for reason, n in found["exempt"].items()}
    for name, count in counted.items():
        if count:
            yield Line(f"  {name:<34} {count:>9,}", "dim")
    going = [each for each in found["prunable"] if each["fate"] == "going"]
    for each in going[:MOST]:
        text = texts.get(each["id"], "")
        text = excerpt(text, "") if brief else text
        yield Line(f"    - [{each['id']}] {text} ({each['effective_importance']:.3f})", "red")
    if len(going) > MOST:
        yield Line(f"    ... and {len(going) - MOST:,} more", "dim")
    if found["orphans"] is not None:
        yield Line(f"  orphans, whose every message is gone: {found['orphans']:,}", "dim")
    faded = f"{found['faded']:,} of {found['memories']:,} memories have faded"
    yield Line(f"{found['bot_id']}: {faded}", "bold")
    if waiting := found["accounting"]["waiting"]:
        yield Line(f"{waiting:,} wait: no more may be lost within seven days", "yellow")
    yield Line(_pruned(found, dry_run=dry_run), "bold")


def _pruned(found: Mapping[str, Any], *, dry_run: bool) -> str:
    if found["pruned"]:
        return f"{found['pruned']:,} pruned; to undo: {restoring(found['plan_ids'])}"
    if not found["prunes"]:
        return "nothing was pruned; to allow it: llm-maint config set memory.prune true"
    going = found["accounting"]["going"]
    if dry_run and going:
        return f"dry run: {going:,} would be pruned; nothing was written"
    return "nothing to prune"
