"""The words that facts are told with: names, places, things and numbers, each drawn by a slot."""

import random
from collections.abc import Callable, Mapping, Sequence

Slots = dict[str, str]
"""What stands in the places of a wording."""


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", " ").split(",") if part.strip()]


_LISTS: Mapping[str, Sequence[str]] = {
    "name": _listed(
        """Anna, Bram, Carla, Diego, Elif, Farah, Gustav, Hanna, Ines, Joris, Kaya, Lars, Marta,
        Nadia, Oskar, Priya, Quentin, Rosa, Stefan, Tilda, Umar, Vera, Wout, Yara,
        Zeno, Agnes, Boris, Clara, Dunja, Emil, Freya, Gideon, Helga, Ivo, Jelena,
        Klaas, Linnea, Milan, Nora, Otis, Paula, Ruben, Saskia, Tomas, Ursula, Viktor,
        Wanda, Xenia, Yusra, Zofia"""
    ),
    "surname": _listed(
        """Abel, Brandt, Castro, Dufour, Eriksen, Fontana, Grube, Haller, Ibsen, Jansen, Keller,
        Lindqvist, Moreau, Novak, Okafor, Petrov, Quist, Rossi, Sandoval, Tanaka,
        Ueda, Vogel"""
    ),
    "rel": _listed(
        """sister, brother, cousin, aunt, uncle, niece, nephew, neighbour, colleague, flatmate,
        godson, sister-in-law, brother-in-law, running partner, landlady, piano
        teacher"""
    ),
    "city": _listed(
        """Bergen, Lisbon, Porto, Ghent, Graz, Oslo, Leipzig, Trieste, Kraków, Malmö, Utrecht,
        Basel, Lyon, Seville, Turin, Cork, Tartu, Vilnius, Split, Valletta, Nantes,
        Aarhus, Bruges, Tampere, Galway, Bilbao, Zagreb, Plovdiv, Rennes, Uppsala,
        Innsbruck, Rostock, Bristol, Dundee, Kyoto, Quito, Accra, Montreal,
        Wellington, Hanoi"""
    ),
    "month": _listed(
        """January, February, March, April, May, June, July, August, September, October,
        November, December"""
    ),
    "weekday": _listed("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"),
    "company": _listed(
        """Orbis, Helix, Northwind, Tessera, Calibra, Brightwell, Marlin Labs, Sundial, Kestrel,
        Quarry Works, Polder Bank, Arboris, Fathom, Lumen Press, Saltbox, Vantage
        Rail, Cobalt, Granary, Pinewood Media, Meridian, Ostrea, Tidewater, Corvus,
        Halyard, Ironbridge"""
    ),
    "job": _listed(
        """a nurse, an architect, a welder, a translator, a data engineer, a baker, a notary, a
        geologist, a midwife, an electrician, a vet, a carpenter, a tax adviser, a
        sound engineer, a teacher, a pharmacist, a gardener, a bookbinder, a train
        driver, a chemist"""
    ),
    "project": _listed(
        """Juniper, Nimbus, Willow, Falcon, Basalt, Compass, Lantern, Ember, Harbour, Cedar,
        Quartz, Sparrow, Delta, Mosaic, Anvil, Beacon, Thistle, Orchid, Plover,
        Granite, Heron, Tundra, Saffron, Vertex, Walnut, Zephyr, Aurora, Bramble,
        Citadel, Drift"""
    ),
    "team": _listed(
        """accounting, design, platform, sales, support, legal, research, logistics, security,
        billing, mobile, search, press, facilities, procurement"""
    ),
    "host": _listed(
        """atlas, borealis, cygnus, draco, eos, fenix, gaia, hydra, iris, janus, kronos, lyra,
        mimas, nyx, orion, pavo, rhea, selene, titan, umbriel, vesta, wolf, xanthe,
        ymir, zephyrus"""
    ),
    "pet": _listed(
        """Biscuit, Pepper, Momo, Juno, Pixel, Waffle, Sage, Tofu, Clementine, Ziggy, Noodle,
        Olive, Pickle, Hazel, Rusty, Smudge, Bean, Luna, Marble, Fig, Kiwi, Dumpling"""
    ),
    "animal": _listed(
        "cat, dog, rabbit, tortoise, parrot, hedgehog, guinea pig, canary, ferret, gecko"
    ),
    "med": _listed(
        """ibuprofen, metformin, amoxicillin, cetirizine, omeprazole, ramipril, levothyroxine,
        sertraline, naproxen, folic acid, vitamin D, magnesium, iron, melatonin,
        atorvastatin"""
    ),
    "allergen": _listed(
        """peanuts, walnuts, birch pollen, penicillin, shellfish, latex, wasp stings, celery,
        soya, sesame, cat hair, house dust, kiwi, lupin, mustard, strawberries"""
    ),
    "food": _listed(
        """pork, coriander, liver, mushrooms, goat cheese, oysters, aubergine, olives, beetroot,
        anchovies, fennel, blue cheese, raisins, tripe, okra, herring, brussels
        sprouts, marzipan"""
    ),
    "dish": _listed(
        """lentil soup, lasagne, apple cake, paella, moussaka, sourdough bread, dal, ratatouille,
        goulash, pumpkin risotto, fish pie, ramen, plum crumble, focaccia, shakshuka,
        pierogi"""
    ),
    "drink": _listed(
        """rooibos, oolong, espresso, sencha, chai, peppermint tea, cocoa, filter coffee, mate,
        kombucha, ginger tea, white tea"""
    ),
    "colour": _listed("red, blue, green, white, black, silver, yellow, grey, orange, brown"),
    "make": _listed("Volvo, Skoda, Fiat, Toyota, Renault, Mazda, Peugeot, Seat, Kia, Subaru, Opel"),
    "garage": _listed(
        """Autohaus Reuter, the garage Molina, Hansen Motors, the garage on Mill Lane, Duval &
        Son, the garage by the harbour"""
    ),
    "book": _listed(
        """The Salt Road, Tin Parade, A Winter Almanac, The Glass Orchard, Letters from Tartu,
        Low Tide, The Clockmaker's Debt, Nine Lanterns, Under Basalt, Paper Rivers,
        The Quiet Fleet, A Map of Rain, Thorn and Thistle, The Last Ferry, Copper Sky,
        Small Gods of Turin"""
    ),
    "film": _listed(
        """Amber Viaduct, Salt Harbour, The Long Platform, Night Bakery, Cold Orchard, Two
        Umbrellas, The Cartographer, Paper Moonlight, Fifth Ferry, Velvet Static, The
        Beekeepers, Dust and Honey"""
    ),
    "band": _listed(
        """The Copper Foxes, Nightjar, Paper Lighthouse, Low Meridian, Moth Parade, Sisters of
        Rust, Glass Tundra, The Quiet Engines, Velvet Harbour, Oak and Iron"""
    ),
    "subject": _listed(
        """pottery, Portuguese, statistics, bookkeeping, sailing, watercolour, first aid,
        Japanese, beekeeping, photography, typography, woodturning, public speaking,
        linear algebra"""
    ),
    "language": _listed("Dutch, Polish, Finnish, Turkish, Greek, Korean, Arabic, Czech, Catalan"),
    "instrument": _listed(
        "marimba, cello, accordion, clarinet, ukulele, harp, trombone, viola, banjo, piano, flute"
    ),
    "plant": _listed(
        """tomatoes, tulips, beans, garlic, lavender, potatoes, sunflowers, leeks, strawberries,
        dahlias, chard, peas, raspberry canes, sage plants"""
    ),
    "place": _listed(
        """allotment, balcony, back garden, cellar, garden shed, garage, attic, roof terrace,
        boathouse, workshop, storage room, studio"""
    ),
    "room": _listed("kitchen, bathroom, bedroom, hallway, study, living room, laundry, guest room"),
    "appliance": _listed(
        """dishwasher, boiler, washing machine, oven, heat pump, freezer, tumble dryer, extractor
        fan, radiator, fridge"""
    ),
    "item": _listed(
        """drill, tent, cake tin, camera, ladder, sewing machine, projector, sledge, toolbox,
        cello, board game, sleeping bag, pressure cooker, headlamp, wheelbarrow,
        telescope"""
    ),
    "gift": _listed(
        """a linen apron, a fountain pen, a set of chisels, a kite, a wool blanket, a bird
        feeder, a chess clock, a cookery book, a head torch, a teapot, a globe, a pair
        of skates"""
    ),
    "occasion": _listed("birthday, graduation, wedding, retirement, housewarming, name day"),
    "service": _listed(
        """Streamly, Cloudnest, Fitloop, Paperboy, Tunewell, Mapster, Lingopal, Photovault,
        Readmore, Parcelpro, Petbox, Gridfone"""
    ),
    "sight": _listed(
        """the cathedral, the botanical garden, the old harbour, the puppet museum, the salt
        mines, the tram depot, the fish market, the fortress, the observatory, the
        tile museum"""
    ),
    "report": _listed(
        """quarterly reports, meeting notes, travel plans, recipes, code reviews, shopping lists,
        book summaries, invoices, training plans, press cuttings"""
    ),
    "format": _listed(
        """a table, bullet points, one short paragraph, a numbered list, a PDF, plain text, a
        diagram, a spreadsheet, a voice note"""
    ),
    "topic": _listed(
        """open-plan offices, audiobooks, night trains, opera, video calls, camping, crossword
        puzzles, modern dance, gym classes, street food, surprise parties, cruises,
        podcasts, ice swimming"""
    ),
    "opinion": _listed(
        "relaxing, exhausting, overrated, delightful, pointless, moving, too loud, underrated"
    ),
    "reason": _listed(
        """they leave no time to think, they remind him of school holidays, nobody listens
        properly, the waiting is half of the pleasure, the smell stays for days, there
        is always a draught, one meets so few strangers otherwise, the noise gives him
        a headache"""
    ),
    "habit": _listed(
        """checks the stove twice, packs a spare pair of socks, calls his mother, waters the
        ferns, sharpens three pencils, reads the weather report aloud, writes a list
        on paper, drinks a glass of warm water, hides the spare key, turns off the
        router"""
    ),
    "event": _listed(
        """a long journey, an exam, going to bed, a concert, a board meeting, a dentist
        appointment, a race, a thunderstorm, a dinner with guests, leaving the office"""
    ),
    "fear": _listed(
        """heights, geese, lifts, deep water, moths, dentists, escalators, thunder, needles,
        bridges, parallel parking, public speaking"""
    ),
    "since": _listed(
        """a fall from a ladder, a stormy ferry crossing, a school trip, a summer on a farm,
        getting stuck for an hour, an operation in childhood, a bad dream, a broken
        wrist"""
    ),
    "wish": _listed(
        """walk the coast path, restore a wooden boat, keep three hens, learn to weld, write a
        cookbook, sleep in a lighthouse, build a clay oven, see the northern lights,
        plant an orchard, cycle along the Danube"""
    ),
    "once": _listed(
        """the mortgage is paid, the children have left home, he retires, his knee has healed,
        the thesis is finished, he has saved enough, the house is renovated, winter is
        over"""
    ),
    "memory": _listed(
        """fell through the ice of a pond, won a spelling contest, got lost at a funfair, kept a
        tame jackdaw, sold lemonade to tourists, broke the window of the town hall,
        slept in a hayloft, found a Roman coin, sang in a boys' choir"""
    ),
    "club": _listed(
        """rowing club, chess club, choir, climbing club, allotment society, film society,
        fencing club, swimming club, astronomy circle, historical society"""
    ),
    "exam": _listed(
        "sailing, chemistry, Portuguese, driving theory, hunting, accounting, radio, statistics"
    ),
    "time": _listed("07:15, 08:30, 09:45, 10:20, 11:05, 13:30, 14:50, 16:10, 17:40, 18:25, 20:15"),
    "when": _listed(
        """before breakfast, after lunch, in the evening, on Sundays, at weekends, after work, on
        the train, before bed"""
    ),
    "ingredient": _listed(
        "flour, butter, lentils, brown sugar, chickpeas, semolina, cream, rice, almonds"
    ),
}

MEN = frozenset(
    _listed(
        """Bram, Diego, Gustav, Joris, Lars, Oskar, Quentin, Stefan, Umar, Wout, Zeno, Boris,
        Emil, Gideon, Ivo, Klaas, Milan, Otis, Ruben, Tomas, Viktor"""
    )
)

MASCULINE: Mapping[str, str] = {
    "sister": "brother",
    "aunt": "uncle",
    "niece": "nephew",
    "sister-in-law": "brother-in-law",
    "landlady": "landlord",
    "goddaughter": "godson",
}
FEMININE: Mapping[str, str] = {his: her for her, his in MASCULINE.items()}

_RANGES: Mapping[str, tuple[int, int]] = {
    "day": (1, 28),
    "year": (2006, 2023),
    "next": (2026, 2029),
    "few": (2, 9),
    "some": (10, 90),
    "mg": (1, 16),
    "money": (12, 980),
    "code": (1000, 9999),
    "port": (3000, 9900),
    "km": (5, 48),
    "points": (51, 99),
    "thousands": (11, 95),
}


def kind_of(slot: str) -> str:
    """Return what a slot is drawn from: name2 is a name."""
    return slot.rstrip("0123456789")


def drawn(slot: str, draw: random.Random, taken: Sequence[str] = ()) -> str:
    """Return a word for a slot that is none of those taken."""
    while (word := _one(kind_of(slot), draw)) in taken:
        pass
    return word


def _one(kind: str, draw: random.Random) -> str:
    if kind in _LISTS:
        return draw.choice(_LISTS[kind])
    number = draw.randint(*_RANGES[kind])
    return _WRITTEN.get(kind, str)(number)


_WRITTEN: Mapping[str, Callable[[int], str]] = {
    "mg": lambda number: str(number * 25),
    "thousands": lambda number: f"{number},000",
}
