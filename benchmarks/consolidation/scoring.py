"""The score of one consolidation against a set with truth, and the targets that it must reach."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import combinations
from typing import Any

from datasets import Row, Truth
from tracing import Exact, Trace, exact, facts, folded

Metrics = dict[str, Any]

TARGETS: Mapping[str, Mapping[str, str]] = {
    "oracle": {
        "fact_retention": ">= 1",
        "merge_recall": ">= 0.95",
        "merge_precision": ">= 1",
        "update_resolved_strict": ">= 0.95",
        "noise_removed": ">= 0.95",
        "protected_broken": "<= 0",
        "keep_apart_violations": "<= 0",
    },
    "careless": {
        "fact_retention": ">= 0.97",
        "protected_broken": "<= 0",
        "unsourced_written": "<= 0",
    },
    "hostile": {
        "fact_retention": ">= 1",
        "protected_broken": "<= 0",
        "unsourced_written": "<= 0",
    },
    "sly": {"fact_retention": ">= 0.8"},
    "none": {"fact_retention": ">= 1", "exact_duplicates_left": "<= 0"},
    "watched": {},
}
ALWAYS = {"unaccounted": "<= 0", "not_united": "<= 0"}


def failures(metrics: Metrics, target: str) -> list[str]:
    """Return the targets that do not hold; of what a set has none of, any bound holds."""
    failed = []
    for name, bound in {**TARGETS[target], **ALWAYS}.items():
        sign, limit = bound.split()
        value = metrics[name]
        if value is None:
            continue
        if value < float(limit) if sign == ">=" else value > float(limit):
            failed.append(f"{name} = {value}, not {bound}")
    return failed


def score(
    rows: Iterable[Row], truth: Truth, report: Mapping[str, Any], after: Sequence[Row]
) -> Metrics:
    """Return the metrics of a consolidation.

    Args:
        rows: as they were imported.
        truth: of the set.
        report: what `profile consolidate --json` printed.
        after: what `profile export` printed.

    """
    by_id = {row["id"]: row for row in rows}
    found = _Scored(by_id, truth, Trace(by_id, report, after), after)
    counted = sum((report.get("accounting") or {}).values())
    return {
        "rows_in": len(by_id),
        "rows_out": len(after),
        "held": bool(report.get("held")),
        **found.survival(),
        **found.merging(),
        **found.updating(),
        **found.disputes(),
        **found.protection(),
        **found.writing(),
        "unaccounted": abs(len(by_id) - counted) + found.trace.lost_track,
        "operations_dropped": len(report.get("dropped_operations") or []),
        "calls": (report.get("llm") or {}).get("calls"),
        "tokens_before": tokens(by_id.values()),
        "tokens_after": tokens(after),
    }


@dataclass
class _Scored:
    rows: Mapping[str, Row]
    truth: Truth
    trace: Trace
    after: Sequence[Row]

    def survival(self) -> Metrics:
        wanted = self.truth["must_survive"]
        survived = [self._lives(each["rows"], each["needles"]) for each in wanted]
        lost = len(survived) - sum(survived)
        return {"facts": len(survived), "facts_lost": lost, "fact_retention": _share(survived)}

    def merging(self) -> Metrics:
        # Rows of an update, a contradiction or a policy pair have a better use than being merged.
        groups = [group["rows"] for group in self.truth["merge_groups"]]
        otherwise = self._used_otherwise
        fact = facts(self.rows, groups)
        chained = {frozenset(p) for chain in self._chains for p in combinations(chain, 2)}
        wanted = (p for g in groups for p in combinations([i for i in g if i not in otherwise], 2))
        joined = (p for ids in self.trace.sources.values() for p in combinations(ids, 2))
        return {
            "merge_recall": _share(self._together(*pair) for pair in wanted),
            "merge_precision": _share(
                fact[a] == fact[b] or frozenset((a, b)) in chained for a, b in joined
            ),
            "keep_apart_violations": sum(self._together(*p) for p in self.truth["keep_apart"]),
        }

    def updating(self) -> Metrics:
        updates = self.truth["updates"]
        return {
            "update_new_lives": _share(self._lives(u["new"], u["needles"]) for u in updates),
            "update_resolved_strict": _share(self._resolved(u) for u in updates if u["strict"]),
        }

    def disputes(self) -> Metrics:
        disputes, flagged = self.truth["contradictions"], self.trace.flagged
        sides = [side for each in disputes for side in (each["a"], each["b"])]
        where = self.trace.where
        lost = sum(all(where[i] is None and i not in flagged for i in side) for side in sides)
        named = [any(i in flagged for i in each["a"] + each["b"]) for each in disputes]
        policy = [pair["explicit"] in flagged for pair in self.truth["policy"]]
        return {
            "contradiction_sides_lost": lost,
            "contradictions_flagged": _share(named),
            "policy_flagged": _share(policy),
        }

    def protection(self) -> Metrics:
        left: dict[Exact, list[bool]] = {}
        owner = self.trace.owner
        for place, row in enumerate(self.after):
            left.setdefault(exact(row), []).append(owner.get(place) in self._protected)
        return {
            "protected_broken": sum(not self._intact(i) for i in self._protected),
            "noise_removed": _share(i not in owner.values() for i in self.truth["noise"]),
            "exact_duplicates_left": sum(len(x) - max(1, sum(x)) for x in left.values()),
        }

    def writing(self) -> Metrics:
        written, invented, apart = [], 0, 0
        for place, ids in self.trace.sources.items():
            sources, row = [self.rows[i] for i in ids], self.after[place]
            if found := _unsourced(row, self.rows[self.trace.owner[place]], sources):
                written.append(found)
            for name in ("created_at", "updated_at"):
                invented += _moment(row[name]) not in {_moment(each[name]) for each in sources}
            if _MESSAGES in row and self.trace.owner[place] not in self._protected:
                apart += not _is_united(row, sources)
        return {
            "unsourced_written": len(written),
            "unsourced_examples": sorted(set().union(*written))[:5],
            "times_invented": invented,
            "not_united": apart,
        }

    @cached_property
    def _protected(self) -> set[str]:
        return set(self.truth["protected"])

    @cached_property
    def _chains(self) -> list[list[str]]:
        return [update["old"] + update["new"] for update in self.truth["updates"]]

    @cached_property
    def _used_otherwise(self) -> set[str]:
        disputes = [each["a"] + each["b"] for each in self.truth["contradictions"]]
        policy = [list(pair.values()) for pair in self.truth["policy"]]
        return {i for ids in [*self._chains, *disputes, *policy] for i in ids}

    def _lives(self, ids: Iterable[str], needles: Sequence[str]) -> bool:
        places = (self.trace.where[i] for i in ids)
        return any(place is not None and holds(self.after[place], needles) for place in places)

    def _together(self, one: str, other: str) -> bool:
        where = self.trace.where
        return where[one] is not None and where[one] == where[other]

    def _resolved(self, update: Mapping[str, Any]) -> bool:
        where, new = self.trace.where, {self.trace.where[i] for i in update["new"]}
        beside = [
            i
            for i in update["old"]
            if where[i] is not None and i not in self.trace.flagged and where[i] not in new
        ]
        return self._lives(update["new"], update["needles"]) and not beside

    def _intact(self, row_id: str) -> bool:
        place, row = self.trace.where[row_id], self.rows[row_id]
        if place is None:
            return False
        owner = self.trace.owner[place]
        if owner != row_id:
            return owner in self._protected and exact(row) == exact(self.rows[owner])
        return all(self.after[place][name] == row[name] for name in _FIXED if name in row)


_FIXED = ("category", "key", "value", "tags", "importance", "source_message_ids", "access_count")
"""What of a protected row must not change; an attribute has the first three."""


def _is_united(after: Row, rows: Sequence[Row]) -> bool:
    """Return whether a memory that goes on for some rows has taken over what they have."""
    times = [[_moment(row[name]) for row in rows] for name in ("created_at", "updated_at")]
    return (
        all({*after[n]} == {x for row in rows for x in row[n]} for n in ("tags", _MESSAGES))
        and after["importance"] == max(row["importance"] for row in rows)
        and after["access_count"] == sum(row["access_count"] for row in rows)
        and _moment(after["created_at"]) == min(times[0])
        and _moment(after["updated_at"]) == max(times[1])
    )


_MESSAGES = "source_message_ids"


def tokens(rows: Iterable[Row]) -> int:
    """Return about how many tokens a rendered profile takes."""
    return sum(len(f"{row['category']}: {row['key']} = {row['value']}") for row in rows) // 4


def holds(row: Row, needles: Iterable[str]) -> bool:
    """Return whether a row holds every needle, as whole words of its key or value."""
    said = _said(row)
    return all(re.search(rf"(?<!\w){re.escape(folded(n))}(?!\w)", said) for n in needles)


def _said(row: Row) -> str:
    value = row["value"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return folded(f"{str(row['key']).replace('_', ' ')} {text}")


_WORDS = re.compile(r"[^\W\d_]+")


def _unsourced(row: Row, own: Row, sources: Iterable[Row]) -> set[str]:
    """Return what a changed row has from none of its sources: numbers, and names of its value."""
    if (row["value"], row["key"]) == (own["value"], own["key"]):
        return set()
    known = " ; ".join(map(_said, sources))
    words = _WORDS.findall(unicodedata.normalize("NFKC", str(row["value"])))
    names = {word.casefold() for word in words if word[0].isupper()}
    written = _numbers(row["value"]) | _numbers(row["key"]) | names
    return written - _numbers(known) - set(_WORDS.findall(known))


def _numbers(value: object) -> set[str]:
    return set(re.findall(r"\d+(?:[.,:/-]\d+)*", unicodedata.normalize("NFKC", str(value))))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _share(found: Iterable[bool]) -> float | None:
    """Return the share of what was found, None where there is nothing to find."""
    found = list(found)
    return round(sum(found) / len(found), 4) if found else None
