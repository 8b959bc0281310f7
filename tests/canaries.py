"""200 texts that must not come out, all the ways in which they could be written, and where they may have gone."""

import base64
import html
import json
import random
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote, quote_plus

_ODDS = random.Random(20250915)  # noqa: S311  the same texts each time
_SIGNS = "bdfgklmnprstvz", "aeiouy"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _word(syllables=4):
    return "".join(_ODDS.choice(signs) for _ in range(syllables) for signs in _SIGNS).capitalize()


def _name():
    return f"{_ODDS.choice(['Kåre', 'Åse', 'Øystein', 'Kari', 'Ola'])} {_word()}{_ODDS.choice(['ø', 'å', ''])}sen"


def _identity_number():
    """A Norwegian identity number of the kind that the tax administration makes for tests: 80 is added to the month."""
    while True:
        digits = [int(sign) for sign in f"{_ODDS.randint(1, 28):02}{_ODDS.randint(81, 92)}{_ODDS.randint(0, 99):02}"]
        digits += [_ODDS.randint(0, 9) for _ in range(3)]
        for weights in ((3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)):
            digits.append(-sum(a * b for a, b in zip(weights, digits, strict=True)) % 11)
        if max(digits) < 10:
            return "".join(map(str, digits))


def _opaque(length):
    return "".join(_ODDS.choice(_BASE64) for _ in range(length))


def _token_parts():
    """Header, claims and signature of a JWT."""
    for members in ({"alg": "RS384", "kid": _word()}, {"sub": _word(), "name": _name(), "jti": _opaque(12)}):
        yield base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
    yield _opaque(64)


CANARIES = [
    *(_name() for _ in range(40)),
    *(_identity_number() for _ in range(15)),
    *(f"{number[:6]} {number[6:]}" for number in (_identity_number() for _ in range(15))),
    *(_opaque(40) for _ in range(19)),
    *(part for _ in range(7) for part in _token_parts()),
    *(f"Moren til {_name()} sier at {_word()} har vært i {_word()} siden påske." for _ in range(30)),
    *(f"{_word().lower()}.{_word().lower()}@{_word().lower()}.example" for _ in range(15)),
    *(f"+47 9{_ODDS.randint(10**6, 10**7 - 1)}" for _ in range(15)),
    *(f"{_word()}veien {_ODDS.randint(1, 99)}, 0{_ODDS.randint(100, 999)} {_word()}" for _ in range(10)),
    *(f"patient={_identity_number()}&code={_opaque(16)}&state={_word()}" for _ in range(10)),
    *(f"Patient/{_word()}+{_word()}" for _ in range(10)),
]
ALL = " ".join(CANARIES)
NOT_FOR_IDS = [canary for canary in CANARIES if not set(canary) <= set(f"{_BASE64}.")]
"""Those that are never an id in an answer. (A suggestion names its patient also by an id with underscores.)"""


@cache
def needles():
    """Bytes to look for → the canary that they give away. The second of a pair is looked for in lower case."""
    exact, folded = {}, {}
    for canary in CANARIES:
        for text in (canary, *(part for part in canary.replace("/", " ").replace("=", " ").split() if len(part) > 8)):
            for encoded in _as_bytes(text):
                exact.setdefault(encoded, canary)
            for encoded in _as_texts(text):
                folded.setdefault(encoded.lower().encode(), canary)
    return exact, folded


def _as_texts(text):
    """As text with escapes; case makes no difference."""
    quoted = json.dumps(text)
    yield from (text, quote(text, safe=""), quote_plus(text), quoted[1:-1], json.dumps(quoted)[3:-3], html.escape(text))
    yield from (ascii(text)[1:-1], str(text.encode())[2:-1], str(text.encode("latin-1"))[2:-1], text[::-1])


def _as_bytes(text):
    """In other character sets, and in base64 wherever in a longer text it stands."""
    yield from (
        text.encode("latin-1"),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        text.encode().hex().encode(),
    )
    yield from (text[::-1].encode("utf-16-le"), text[::-1].encode("utf-16-be"))
    for before in range(3):
        content = b"\0" * before + text.encode()
        whole = content[: len(content) // 3 * 3]
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(whole)[4 if before else 0 :]


@dataclass
class Spill:
    """Everything that came out, by where it came out."""

    content: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, place, content):
        """More of one place, as bytes or text."""
        self.content.setdefault(place, []).append(content if isinstance(content, bytes) else content.encode())

    def add_folder(self, folder):
        """Every file below a folder, and its name."""
        for path in folder.rglob("*"):
            self.add("names of files", path.name)
            if path.is_file():
                self.add(f"file {path.relative_to(folder)}", path.read_bytes())

    def found(self):
        """Each place with a canary that came out there."""
        exact, folded = needles()
        found = set()
        for place, parts in self.content.items():
            content = b"\n".join(dict.fromkeys(parts))
            lower = content.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")
            found |= {(place, canary) for needle, canary in exact.items() if needle in content}
            found |= {(place, canary) for needle, canary in folded.items() if needle in lower}
        return found
