"""How far work is: counted as it comes, told of each change."""

import asyncio
import json

from building import NICK, attribute
from consolidating import reply

from llm_maint.domain.chat import Completion, Finish, Prompt
from llm_maint.domain.enquiry import ask_all
from llm_maint.domain.progress import Steps


def test_steps_are_told_as_they_are_expected_and_done() -> None:
    """More may turn out to be needed while others are done; nothing is told of no steps."""
    told: list[tuple[str, int, int]] = []
    steps = Steps("requests", lambda *each: told.append(each))
    steps.expect(0)
    steps.expect(2)
    steps.step()
    steps.expect(1)
    steps.step()
    steps.step()
    assert told == [("requests", done, of) for done, of in [(0, 2), (1, 2), (1, 3), (2, 3), (3, 3)]]


def test_every_request_is_a_step_halves_and_repetitions_included() -> None:
    """At the end as many are done as there were; those asked again about silence as well."""
    rows = [attribute(n, f"key{n}") for n in range(8)]
    told: list[tuple[int, int]] = []
    steps = Steps("requests", lambda _, done, of: told.append((done, of)))

    async def complete(prompt: Prompt) -> Completion:
        document = json.loads(prompt.user)
        if len(document["rows"]) > 4:
            return Completion(text="", model="m", finish=Finish.LENGTH)
        answer = {**reply(document), "nonce": document.get("nonce")}
        answer["reviewed"] = answer["reviewed"][:3]
        return Completion(text=json.dumps(answer), model="m")

    asyncio.run(ask_all(complete, NICK, [rows], size=8, steps=steps))
    assert told[-1] == (4, 4)  # one cut, its halves, and the two rows that nothing was said of
    assert all(done <= of for done, of in told)
