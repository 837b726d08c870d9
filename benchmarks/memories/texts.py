"""Texts of made-up memories: hobbies that are told of again and again, and all else there is."""

import random
from dataclasses import dataclass, field
from itertools import accumulate

HOBBIES = {
    "chess": ("chess", "club opening endgame rating tournament"),
    "climbing": ("climbing climbed climbs climb", "boulder rope harness grade wall"),
    "baking": ("baking baked bakes bake", "sourdough oven loaf dough crust"),
    "piano": ("piano pianos", "scales recital sonata chords keys"),
    "gardening": ("garden gardening gardens", "tomatoes compost seedlings roses greenhouse"),
    "sailing": ("sailing sailed sails sail", "harbour regatta mast keel crew"),
    "running": ("running runs ran run", "marathon shoes pace kilometres intervals"),
    "knitting": ("knitting knitted knits knit", "wool scarf needles pattern yarn"),
    "astronomy": ("astronomy astronomer telescope", "jupiter nebula comet eclipse observatory"),
    "photography": ("photography photographs photo", "lens tripod darkroom portrait exposure"),
    "swimming": ("swimming swims swam swim", "pool lengths crawl goggles lido"),
    "hiking": ("hiking hiked hikes hike", "trail summit boots ridge hut"),
    "birds": ("birdwatching birds bird", "binoculars kestrel heron feeder warbler"),
    "cooking": ("cooking cooked cooks cook", "curry spices risotto recipe knife"),
    "guitar": ("guitar guitars", "strings amplifier riff band pedal"),
    "pottery": ("pottery pots potter", "clay kiln glaze wheel bowl"),
    "yoga": ("yoga", "mat breathing class stretch pose"),
    "cycling": ("cycling cycled cycles cycle", "bike gravel tyres helmet race"),
    "painting": ("painting painted paints paint", "watercolour canvas brushes easel landscape"),
    "spanish": ("spanish", "verbs vocabulary lesson tutor grammar"),
}
"""The forms of each hobby's word, and words that come with it."""

EVERYDAY = """
house kitchen car train office meeting manager brother sister mother father daughter son friend
neighbour dog cat school holiday flight hotel restaurant dinner lunch breakfast coffee tea wine beer
bread phone laptop computer email password printer doctor dentist medicine headache sleep weather
rain snow summer winter birthday party wedding present gift money bank rent insurance tax bill shop
supermarket jacket shirt sofa table lamp window door roof street city village river mountain beach
film series book novel newspaper song concert museum ticket bus parking fuel traffic police letter
parcel package software update project deadline report presentation customer client contract salary
colleague team training exam course teacher student university homework language english german
french music game football match score
""".split()  # noqa: SIM905 one line of words, not one word a line

_SYLLABLES = (
    "ba be bi do da fe ga go ka ki ko la le li ma mi mo na ni no pa pe ra ri so ta te vo zu"
)
_WORDS = 20_000
_RANK = 30
"""How flat the head of the distribution is: the most frequent word stands in some 2 % of texts."""

_TALK = (
    "Likes {h} and the {x}",
    "Went {h} yesterday, the {x} was great",
    "Talked about {h}: {x} and {w}",
    "Plans {h} on Saturday with a {w}",
    "{h} again; {x}",
)
_ELSE = (
    "The user mentioned that the {} {} {} was {} last week",
    "Likes {} with {} and {}",
    "Said {} {} needs a {}",
    "Wants to buy a {} for the {} in {}",
    "Has a {} called {}, from {}",
    "Asked about {} {} {} {} {}",
)


@dataclass
class Texts:
    """Draws texts; words are as unevenly frequent as they are in any language (Zipf)."""

    draw: random.Random
    _words: list[str] = field(init=False)
    _weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        syllables = _SYLLABLES.split()
        made = random.Random(1)  # the language is one, whatever is drawn from it
        words = dict.fromkeys(EVERYDAY)
        while len(words) < _WORDS:
            words["".join(made.choices(syllables, k=made.choice([3, 3, 4, 5])))] = None
        self._words = list(words)
        self._weights = list(accumulate(1 / (rank + _RANK) for rank in range(_WORDS)))

    def of_hobby(self, name: str) -> str:
        """Return a text about a hobby; one in seven does not name it."""
        forms, more = (each.split() for each in HOBBIES[name])
        word = self.draw.choice(forms if self.draw.random() < 6 / 7 else more)
        text = self.draw.choice(_TALK)
        return text.format(h=word, x=self.draw.choice(more), w=self.word())

    def of_anything(self) -> str:
        """Return a text about anything else."""
        return self.draw.choice(_ELSE).format(*(self.word() for _ in range(5)))

    def word(self) -> str:
        """Return a word."""
        return self.draw.choices(self._words, cum_weights=self._weights)[0]
