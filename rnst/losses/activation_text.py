"""Activations as text, as in `0.5*layer3:12 + class:tench`. A small grammar parses the text; no code is executed."""

import re
from collections.abc import Callable, Sequence

from rnst.errors import RnstError
from rnst.losses.activations import Activation
from rnst.losses.units import LOGITS, Channel, DeepDream, Direction, Neuron

CLASS, DREAM, DIRECTION = "class", "dream", "direction"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w:])"
    r"|(?P<atom>[A-Za-z_][\w.]*(?::(?:'[^']*'|\"[^\"]*\"|[^\s:+*()'\"]+))+)"
    r"|(?P<sign>[-+*()]))"
)
_COUNT = r"[0-9]{1,9}"
_UNIT = re.compile(rf"({_COUNT})(?:@({_COUNT}),({_COUNT})|(@))?")
_DEEPEST = 50  # parentheses and signs inside each other; Python's own limit would be a traceback
_MOST_TOKENS = 1000  # the sum of as many terms is nested as deeply
_LARGEST = 1e100  # its square is still a number
_FORMS = (
    "LAYER:CHANNEL, LAYER:CHANNEL@ROW,COLUMN, LAYER:CHANNEL@ (the middle), class:NUMBER_OR_NAME, dream:LAYER, "
    "direction:LAYER:CHANNEL=WEIGHT,... and sums and products of these, as 0.5*layer3:12 + class:1"
)


class ObjectiveTextError(RnstError):
    """The text is not a valid objective."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"cannot read the objective {text!r}: {reason}. Write {_FORMS}.")


def parse_activation(text: str, classes: Sequence[str] = ()) -> Activation:
    """Parse an objective.

    Args:
        text: numbers, activations, + - * and parentheses; * binds more tightly. A minus after an activation needs a
            space before it. Class names with spaces are quoted: class:'golf ball'.
        classes: names of the network's classes, in the order of its logits. A bar separates several names of one
            class: 'n01440764|tench'. If empty, any name means the first class.

    Raises:
        ObjectiveTextError: the text cannot be parsed; the message gives the reason and the grammar.
    """
    return _Reader(text, classes).read()


class _Reader:
    """Recursive descent: a sum of products of numbers, activations and sums in parentheses."""

    def __init__(self, text: str, classes: Sequence[str]) -> None:
        self._text = text
        self._classes = classes
        self._tokens = self._split()
        self._next = self._depth = 0

    def read(self) -> Activation:
        found = self._sum()
        if self._next < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._next][1]!r} is unexpected")
        if not isinstance(found, Activation):
            raise self._wrong("a number alone is not an activation")
        return found

    def _split(self) -> list[tuple[str, str]]:
        tokens, place, text = list[tuple[str, str]](), 0, self._text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._wrong(f"{text[place:].strip()[:20]!r} is neither a number nor an activation")
            kind = match.lastgroup or ""
            tokens.append((kind, match[kind]))
            place = match.end()
        if len(tokens) > _MOST_TOKENS:
            raise self._wrong(f"it has more than {_MOST_TOKENS} numbers, activations and signs")
        return tokens

    def _sum(self) -> Activation | float:
        total = self._product()
        while (sign := self._sign("+-")) is not None:
            term = self._product()
            total = self._added(total, term if sign == "+" else -term)
        return total

    def _added(self, left: Activation | float, right: Activation | float) -> Activation | float:
        if isinstance(left, Activation) and isinstance(right, Activation):
            return left + right
        if isinstance(left, Activation) or isinstance(right, Activation):
            raise self._wrong("adding a number has no effect")
        return left + right

    def _product(self) -> Activation | float:
        found = self._factor()
        while self._sign("*") is not None:
            found = found * self._factor()
        return found

    def _factor(self) -> Activation | float:
        if self._sign("-") is not None:
            return -self._inside(self._factor)
        if self._sign("(") is not None:
            inner = self._inside(self._sum)
            if self._sign(")") is None:
                raise self._wrong("a parenthesis is not closed")
            return inner
        kind, token = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        self._next += 1
        if kind == "number":
            return self._number(token)
        if kind != "atom":
            raise self._wrong(f"an activation is missing {f'before {token!r}' if token else 'at the end'}")
        return self._atom(token)

    def _inside(self, read: Callable[[], Activation | float]) -> Activation | float:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"it is nested more than {_DEEPEST} deep")
        found = read()
        self._depth -= 1
        return found

    def _number(self, text: str) -> float:
        number = float(text)
        if not abs(number) < _LARGEST:  # also refuses NaN
            raise self._wrong(f"the size of {text} must be below {_LARGEST:g}")
        return number

    def _sign(self, wanted: str) -> str | None:
        """Consume and return the next token if it is one of these signs."""
        if self._next == len(self._tokens) or self._tokens[self._next][0] != "sign":
            return None
        sign = self._tokens[self._next][1]
        if sign not in wanted:
            return None
        self._next += 1
        return sign

    def _atom(self, token: str) -> Activation:
        head, _, rest = token.partition(":")
        rest = rest.strip("'\"")
        readers: dict[str, Callable[[str], Activation]] = {
            CLASS: lambda name: Channel(LOGITS, self._label(name)),
            DREAM: DeepDream,
            DIRECTION: self._direction,
        }
        return readers[head](rest) if head in readers else self._unit(head, rest)

    def _unit(self, layer: str, rest: str) -> Activation:
        match = _UNIT.fullmatch(rest)
        if match is None:
            raise self._wrong(f"{rest!r} is not a channel of {layer}")
        channel, row, column, middle = match.groups()
        if row is None and middle is None:
            return Channel(layer, int(channel))
        return Neuron(layer, int(channel), None if row is None else (int(row), int(column)))

    def _label(self, name: str) -> int:
        for number, names in enumerate(self._classes):
            if name in names.split("|"):
                return number
        if re.fullmatch(_COUNT, name) and (int(name) < len(self._classes) or not self._classes):
            return int(name)
        if not self._classes:
            return 0
        few = [names.split("|")[-1] for names in self._classes[:10]]
        raise self._wrong(f"there is no class {name!r}; classes 0 to {len(self._classes) - 1}: {', '.join(few)} ...")

    def _direction(self, rest: str) -> Activation:
        layer, _, listed = rest.partition(":")
        listed, _, power = listed.partition("^")
        try:
            pairs = [entry.split("=") for entry in listed.split(",")]
            weights = {int(channel): self._number(weight) for channel, weight in pairs}
            cosine_power = self._number(power or "0")
        except ValueError as error:
            raise self._wrong(f"{rest!r} is not a direction; write direction:layer3:4=1,7=-0.5") from error
        if len(weights) < len(pairs):
            raise self._wrong(f"{rest!r} gives a channel twice")
        if max(map(abs, weights.values())) < 1.0 / _LARGEST:
            raise self._wrong("the weights of a direction cannot all be 0")
        return Direction(layer, weights, cosine_power)

    def _wrong(self, reason: str) -> ObjectiveTextError:
        return ObjectiveTextError(self._text, reason)
