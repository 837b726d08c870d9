"""The outline of a page of HTML: its elements and what they are called, without what they say."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "base", "source", "wbr"}

TEXTUAL = {"del", "ins", "mark"}
"""How a text is marked depends on what it says."""


class Outline(HTMLParser):
    """Reads a page; every element must be closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        if tag not in TEXTUAL:
            names = ",".join(name for name, _ in attrs)
            self.found.append(f"{'  ' * len(self.open)}{tag} {names}".rstrip())
        for name, value in attrs:
            assert value is not None, f"{tag} {name} has no value"
            self.attributes.append((tag, name, value))
            if name == "id":
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG that has nothing in it."""
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> in {self.open}"

    def handle_data(self, data: str) -> None:
        """Keep what is said."""
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        """Refuse comments: nobody writes any."""
        raise AssertionError(f"a comment: {data!r}")

    def handle_pi(self, data: str) -> None:
        """Refuse instructions."""
        raise AssertionError(f"an instruction: {data!r}")

    @property
    def text(self) -> str:
        """All that is said."""
        return "".join(self.texts)
