"""The samples, damaged: members taken away, doubled, swapped and replaced, and bytes that are no longer JSON."""

import orjson

from tests.fuzz.inputs import post
from tests.fuzz.values import FRAGMENTS, Written, anything, scalar, starts

_ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp037")
_MOST_CHANGES = 6
_SHARE_OF_BYTES = 0.2
_SHARE_OF_LONG = 0.002
_LONGEST = 2_000_000
"""Bytes, just below what is read."""
_REPEATED = (" ", "9", "a", "a ", "1-", "- ", "<", ".", "/", "#", "(", "mg ", "1,5 - 6,5 ", "Æ", "\n", "Patient/", "mR")


def mutations(random, count):
    """So many damaged samples."""
    begin = starts()
    for _ in range(count):
        path, body = random.choice(begin)
        body = _changed(random, body)
        if random.random() < _SHARE_OF_BYTES:
            body = random.choice(_ON_BYTES)(random, body)
        yield post(path, body, chunks=random.choice((1, 1, 1, 2, 7)), is_cut_off=random.random() < 0.01)


def _changed(random, body):
    document, written = orjson.loads(body), Written()
    for _ in range(random.randint(1, _MOST_CHANGES)):
        places = list(_places(document))
        if places:
            random.choice(_ON_DOCUMENTS)(random, *random.choice(places), written, places)
    if random.random() < _SHARE_OF_LONG:
        _lengthen(random, document)
    return written.bytes(document)


def _places(part):
    """Every container below with the name or index of each of its parts."""
    for key in part.keys() if isinstance(part, dict) else range(len(part)):
        yield part, key
        if isinstance(part[key], dict | list):
            yield from _places(part[key])


def _lengthen(random, document):
    """One list, or one text, repeated until the body is nearly as long as it may be."""
    places = [(holder, key) for holder, key in _places(document) if isinstance(holder[key], list | str)]
    if places:
        holder, key = random.choice(places)
        if isinstance(holder[key], str) and random.random() < 0.7:
            holder[key] = random.choice(_REPEATED)
        own, whole = (len(orjson.dumps(part)) for part in (holder[key], document))
        holder[key] = holder[key] * max(1, (_LONGEST - whole) // max(own - 1, 1))


def _delete(_, holder, key, *__):
    del holder[key]


def _double(random, holder, key, *__):
    if isinstance(holder, list):
        holder[key:key] = [holder[key]] * random.choice((1, 2, 40))
    else:
        holder[f"{key}{random.choice(('', '_', ' ', 'X'))}"] = holder[key]


def _swap(random, holder, key, _, places):
    other, name = random.choice(places)
    if name in other if isinstance(other, dict) else name < len(other):
        value = orjson.loads(orjson.dumps(other[name]))
        other[name], holder[key] = orjson.loads(orjson.dumps(holder[key])), value


def _scalar(random, holder, key, *_):
    holder[key] = scalar(random, key if isinstance(key, str) else None)


def _anything(random, holder, key, *_):
    holder[key] = anything(random)


def _wrap(random, holder, key, *_):
    holder[key] = random.choice(([holder[key]], {"value": holder[key]}, [[holder[key]]], str(holder[key])[:200]))


def _fragment(random, holder, key, written, _):
    holder[key] = written.raw(random.choice(FRAGMENTS))


def _twin(random, holder, key, written, _):
    """The same name a second time, with another value."""
    if isinstance(holder, dict):
        twin = orjson.dumps(key) + b":" + orjson.dumps(anything(random)) + b',"z"'
        holder[written.raw(twin)] = None


def _rename(random, holder, key, *_):
    if isinstance(holder, dict):
        holder[str(scalar(random))[:100]] = holder.pop(key)


def _shuffle(random, holder, *_):
    if isinstance(holder, list):
        random.shuffle(holder)


_ON_DOCUMENTS = (
    _delete, _delete, _double, _swap, _scalar, _scalar, _scalar, _anything, _wrap, _fragment, _twin, _rename, _shuffle,
)  # fmt: skip


def _cut(random, body):
    return body[: random.randint(0, len(body))]


def _flip(random, body):
    flipped = bytearray(body)
    for _ in range(random.choice((1, 1, 5, 200))):
        if flipped:
            flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    return bytes(flipped)


def _insert(random, body):
    place = random.randint(0, len(body))
    return body[:place] + random.choice(FRAGMENTS) + body[place:]


def _encode(random, body):
    return body.decode("utf-8", "replace").encode(random.choice(_ENCODINGS), "replace")


def _around(random, body):
    filler = random.choice((b" ", b"\n", b"\0", b"\xef\xbb\xbf", b"\x0c", b",", b"//x\n", b" " * 100_000))
    return filler + body if random.random() < 0.5 else body + filler


def _move(random, body):
    first, second = sorted(random.randint(0, len(body)) for _ in range(2))
    return body[second:] + body[first:second] + body[:first]


def _again(_, body):
    return body + body


_ON_BYTES = (_cut, _cut, _flip, _flip, _insert, _encode, _around, _move, _again)
