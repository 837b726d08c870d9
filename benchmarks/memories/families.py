"""Families of facts: what an assistant's extractor writes down of a conversation, in many wordings.

{S} is the person, {P} whose something is, {O} to whom something is done; the other names are
slots, see words.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Facts of one kind.

    Every wording of `full` and of `notes` holds the slots of `needles`; `partial` says less. What
    it is about stands in the slots of `subject`. A fact with other words in one of `apart`, which
    may be several slots joined by a plus, is another fact, and both are true.
    """

    name: str
    subject: str
    tags: str
    needles: str
    apart: str
    full: Sequence[str]
    notes: Sequence[str] = ()
    partial: str | None = None


FAMILIES: Sequence[Family] = (
    Family(
        name="move",
        subject="name rel",
        tags="family moving",
        needles="name city year",
        apart="rel city+year",
        full=(
            "{P} {rel} {name} moved to {city} in {month} {year}",
            "{name}, {P} {rel}, has lived in {city} since {month} {year}",
            "In {month} {year} {P} {rel} {name} relocated to {city}",
            "{S} talked about {P} {rel} {name}, who moved to {city} in {month} {year}",
        ),
        notes=("{rel} {name}: in {city} since {month} {year}",),
        partial="{P} {rel} {name} lives in {city} since {year}",
    ),
    Family(
        name="birthday",
        subject="name rel",
        tags="family dates",
        needles="name day month",
        apart="rel name",
        full=(
            "{P} {rel} {name} has a birthday on {day} {month}",
            "{name}'s birthday is on {day} {month}; {name} is {P} {rel}",
            "The birthday of {P} {rel} {name} is {day} {month}",
            "{S} wants to be reminded that {P} {rel} {name} has a birthday on {day} {month}",
        ),
        notes=("birthday {name} ({rel}): {day} {month}",),
        partial="{name}'s birthday is on {day} {month}",
    ),
    Family(
        name="flight",
        subject="city month",
        tags="travel flight",
        needles="city day month time",
        apart="day+month city",
        full=(
            "{P} flight to {city} is on {day} {month} at {time}",
            "{S} flies to {city} on {day} {month}, departure {time}",
            "On {day} {month} at {time} {S} takes a flight to {city}",
            "{S} has booked a flight to {city} that leaves on {day} {month} at {time}",
        ),
        notes=("flight {city}: {day} {month}, {time}",),
        partial="{S} flies to {city} on {day} {month}",
    ),
    Family(
        name="hotel",
        subject="city month",
        tags="travel hotel",
        needles="city surname day month",
        apart="city+surname month",
        full=(
            "{S} booked the hotel {surname} in {city} for {few} nights from {day} {month}",
            "{P} hotel in {city} is the {surname}, {few} nights from {day} {month}",
            "From {day} {month} {S} stays {few} nights at the hotel {surname} in {city}",
        ),
        notes=("hotel {surname}, {city}: {few} nights from {day} {month}",),
        partial="{S} stays at the hotel {surname} in {city} from {day} {month}",
    ),
    Family(
        name="job",
        subject="name rel",
        tags="people work",
        needles="name job city",
        apart="rel name",
        full=(
            "{P} {rel} {name} works as {job} in {city}",
            "{name}, {P} {rel}, is {job} and works in {city}",
            "{P} {rel} {name} has a job as {job} in {city}",
        ),
        notes=("{name} ({rel}): {job}, {city}",),
        partial="{P} {rel} {name} works as {job}",
    ),
    Family(
        name="pet",
        subject="pet",
        tags="pets",
        needles="animal pet year",
        apart="pet pet+animal",
        full=(
            "{S} has a {colour} {animal} called {pet}, born in {year}",
            "{P} {animal} {pet} is {colour} and was born in {year}",
            "{pet} is the name of {P} {colour} {animal}, born in {year}",
        ),
        notes=("{animal} {pet}, {colour}, born {year}",),
        partial="{S} has a {animal} called {pet}, born in {year}",
    ),
    Family(
        name="pet_care",
        subject="pet med",
        tags="pets health",
        needles="pet mg med few",
        apart="pet med+mg",
        full=(
            "{pet} the {animal} needs {mg} mg of {med} every {few} days",
            "The vet prescribed {mg} mg of {med} every {few} days for {P} {animal} {pet}",
            "Every {few} days {P} {animal} {pet} gets {mg} mg of {med}",
        ),
        notes=("{pet} ({animal}): {med} {mg} mg every {few} days",),
    ),
    Family(
        name="car",
        subject="colour make",
        tags="car",
        needles="colour make year",
        apart="colour colour+year",
        full=(
            "{S} drives a {colour} {make}, bought in {year} from {garage}",
            "{P} car is a {colour} {make} that he bought from {garage} in {year}",
            "In {year} {S} bought a {colour} {make} from {garage}",
        ),
        notes=("car: {colour} {make}, {year}, {garage}",),
        partial="{S} drives a {colour} {make}, bought in {year}",
    ),
    Family(
        name="car_service",
        subject="colour make",
        tags="car dates",
        needles="colour make day month",
        apart="colour make day+month",
        full=(
            "{P} {colour} {make} needs a service at {garage} on {day} {month}",
            "The {colour} {make} is due for service on {day} {month} at {garage}",
            "On {day} {month} {S} takes the {colour} {make} to {garage} for a service",
        ),
        notes=("{colour} {make}: service {day} {month}, {garage}",),
        partial="The {colour} {make} is due for service on {day} {month}",
    ),
    Family(
        name="repair",
        subject="item month",
        tags="home money",
        needles="item money month",
        apart="item money+month",
        full=(
            "{S} paid {money} euros in {month} to have the {item} repaired by {name}",
            "Repairing the {item} cost {O} {money} euros in {month}; {name} did it",
            "{name} repaired {P} {item} in {month} for {money} euros",
        ),
        notes=("{item} repair: {money} euros, {month}, {name}",),
    ),
    Family(
        name="allergy",
        subject="name rel",
        tags="health allergy",
        needles="name allergen",
        apart="allergen rel",
        full=(
            "{P} {rel} {name} is allergic to {allergen}",
            "{name}, {P} {rel}, has an allergy to {allergen}",
            "{S} warned that {P} {rel} {name} is allergic to {allergen}",
        ),
        notes=("{name} ({rel}): allergic to {allergen}",),
        partial="{name} is allergic to {allergen}",
    ),
    Family(
        name="eats_not",
        subject="name rel",
        tags="food people",
        needles="name food",
        apart="food rel",
        full=(
            "{P} {rel} {name} does not eat {food}",
            "{name}, {P} {rel}, doesn't eat {food}",
            "If {P} {rel} {name} comes to dinner, remember that {name} does not eat {food}",
        ),
        notes=("{name} ({rel}) does not eat {food}",),
    ),
    Family(
        name="eats",
        subject="name rel",
        tags="food people",
        needles="name food dish",
        apart="food+dish rel",
        full=(
            "{P} {rel} {name} loves {food}, above all in {dish}",
            "{name}, {P} {rel}, likes {food} in {dish} best",
            "{P} {rel} {name} is fond of {food}, especially in {dish}",
        ),
        notes=("{name} ({rel}): {food}, best in {dish}",),
        partial="{P} {rel} {name} loves {food} in {dish}",
    ),
    Family(
        name="reading",
        subject="book",
        tags="books",
        needles="book surname name",
        apart="book",
        full=(
            "{S} is reading {book} by {surname}, which {name} recommended in {month}",
            "{name} recommended {book} by {surname} in {month} and {S} is reading it now",
            "The book {S} reads now is {book} by {surname}, recommended by {name} in {month}",
        ),
        notes=("reading: {book} ({surname}), from {name}, {month}",),
        partial="{S} is reading {book} by {surname}, recommended by {name}",
    ),
    Family(
        name="course",
        subject="subject city",
        tags="learning dates",
        needles="subject day month",
        apart="subject city day+month",
        full=(
            "{S} has enrolled in a {subject} course in {city} that starts on {day} {month}",
            "{P} {subject} course in {city} begins on {day} {month}",
            "On {day} {month} {S} starts a {subject} course in {city}",
        ),
        notes=("{subject} course, {city}, from {day} {month}",),
        partial="{P} {subject} course starts on {day} {month}",
    ),
    Family(
        name="exam",
        subject="name rel",
        tags="learning",
        needles="name exam points",
        apart="exam+points rel",
        full=(
            "{P} {rel} {name} passed the {exam} exam with {points} points in {month}",
            "In {month} {name}, {P} {rel}, got {points} points in the {exam} exam",
            "{P} {rel} {name} has passed the {exam} exam, {points} points, in {month}",
        ),
        notes=("{name} ({rel}): {exam} exam {points} points, {month}",),
    ),
    Family(
        name="deadline",
        subject="project",
        tags="work projects",
        needles="project day month thousands",
        apart="project",
        full=(
            "Project {project} is due on {day} {month} and has a budget of {thousands} euros",
            "The deadline of project {project} is {day} {month}; the budget is {thousands} euros",
            "{S} has to deliver project {project} by {day} {month}, budget {thousands} euros",
        ),
        notes=("{project}: due {day} {month}, budget {thousands} euros",),
    ),
    Family(
        name="lead",
        subject="project team",
        tags="work people",
        needles="name team project",
        apart="project team",
        full=(
            "{name} leads the {team} side of project {project} together with {name2}",
            "In project {project} the {team} side is led by {name}, together with {name2}",
            "{name} and {name2} are responsible for {team} in project {project}",
        ),
        notes=("{project} / {team}: {name}, {name2}",),
        partial="{name} leads the {team} side of project {project}",
    ),
    Family(
        name="meeting",
        subject="team name",
        tags="work meetings",
        needles="team weekday time",
        apart="team weekday",
        full=(
            "The weekly {team} meeting with {name} is on {weekday} at {time}",
            "{S} meets {name} and the {team} team every {weekday} at {time}",
            "Every {weekday} at {time} {S} has the {team} meeting with {name}",
        ),
        notes=("{team} meeting: {weekday} {time}, {name}",),
        partial="The {team} meeting is on {weekday} at {time}",
    ),
    Family(
        name="format",
        subject="report when",
        tags="preferences",
        needles="report format",
        apart="report",
        full=(
            "{S} prefers {report} as {format}, sent {when}",
            "{S} likes to get {report} as {format} {when}",
            "For {report} {S} prefers {format}, {when}",
        ),
        notes=("{report}: {format}, {when}",),
        partial="{S} prefers {report} as {format}",
    ),
    Family(
        name="medicine",
        subject="name rel",
        tags="health medication",
        needles="name mg med",
        apart="med rel mg+when",
        full=(
            "{P} {rel} {name} takes {mg} mg of {med} {when}",
            "{name}, {P} {rel}, has to take {mg} mg of {med} {when}",
            "{mg} mg of {med} {when} is what {P} {rel} {name} takes",
        ),
        notes=("{name} ({rel}): {med} {mg} mg {when}",),
        partial="{P} {rel} {name} takes {mg} mg of {med}",
    ),
    Family(
        name="doctor",
        subject="surname month",
        tags="health dates",
        needles="surname day month time",
        apart="surname day+month",
        full=(
            "{S} has an appointment with Dr {surname} in {city} on {day} {month} at {time}",
            "{P} appointment with Dr {surname} in {city} is on {day} {month} at {time}",
            "On {day} {month} at {time} {S} sees Dr {surname} in {city}",
        ),
        notes=("Dr {surname}, {city}: {day} {month} {time}",),
        partial="{S} sees Dr {surname} on {day} {month} at {time}",
    ),
    Family(
        name="run",
        subject="city year",
        tags="sport",
        needles="city year km some",
        apart="year+some city",
        full=(
            "{S} ran {km} km at the {city} run in {year} and came in place {some}",
            "At the {city} run in {year} {S} came in place {some} over {km} km",
            "In {year} {S} ran the {km} km of the {city} run and finished in place {some}",
        ),
        notes=("{city} run {year}: {km} km, place {some}",),
        partial="{S} ran {km} km at the {city} run in {year}",
    ),
    Family(
        name="practice",
        subject="name rel",
        tags="music habits",
        needles="name instrument some",
        apart="rel instrument",
        full=(
            "{P} {rel} {name} practises the {instrument} for {some} minutes {when}",
            "{name}, {P} {rel}, plays the {instrument} {some} minutes {when}",
            "{when} {P} {rel} {name} spends {some} minutes practising the {instrument}",
        ),
        notes=("{name} ({rel}): {instrument}, {some} minutes {when}",),
        partial="{P} {rel} {name} practises the {instrument} for {some} minutes",
    ),
    Family(
        name="garden",
        subject="plant place",
        tags="garden",
        needles="plant some place",
        apart="plant place month",
        full=(
            "{S} planted {some} {plant} on the {place} side of the garden in {month}",
            "In {month} {S} put {some} {plant} in the ground on the {place} side of the garden",
            "{some} {plant} are growing on the {place} side of {P} garden, planted in {month}",
        ),
        notes=("garden, {place} side: {some} {plant}, {month}",),
    ),
    Family(
        name="recipe",
        subject="dish",
        tags="food recipes",
        needles="dish mg ingredient some",
        apart="dish",
        full=(
            "{P} recipe for {dish} takes {mg} grams of {ingredient} and {some} minutes in the oven",
            "For {dish} {S} uses {mg} grams of {ingredient} and {some} minutes in the oven",
            "{dish} the way {S} makes it: {mg} grams of {ingredient}, {some} minutes in the oven",
        ),
        notes=("{dish}: {mg} grams {ingredient}, {some} minutes",),
    ),
)
