"""Resources of every type that is read, with every field that is read, each of its own type or of any other."""

from functools import cache

from msgspec import inspect

from cds_service.hooks.services import BY_HOOK, ORDER_HOOKS
from cds_service.mappings import fhir
from tests.fuzz.inputs import post
from tests.fuzz.values import NUMBERS, Written, anything, full, scalar

TYPES = tuple(struct for struct in fhir._READ if struct is not fhir.Unread)
_DEEPEST = 8
_SUBJECTS = ("Patient/p1", "Patient/p1", "Patient/p1", "https://ehr.example.org/fhir/Patient/p1", "Patient/x", "#p", "")


def resources(random, count):
    """So many requests and Bundles, each with a few such resources."""
    for _ in range(count):
        written = Written()
        made = [resource(random, written) for _ in range(random.choice((1, 1, 2, 5, 20)))]
        if random.random() < 0.4:
            query = random.choice(("", "?hook=order-sign", "?hook=order-select&lang=en", "?today=2025-02-28&lang=nn"))
            patient = full("patient-view")["prefetch"]["patient"]
            yield post(f"/evaluate{query}", written.bytes(_bundle(random, [*made, patient])))
        else:
            hook = random.choice(tuple(BY_HOOK))
            yield post(f"/cds-services/{BY_HOOK[hook].id}", written.bytes(_request(random, hook, made)))


def resource(random, written, struct=None):
    """One resource of a type, or of any."""
    struct = struct or random.choice(TYPES)
    made = _object(random, _fields(struct), 0, written)
    if random.random() < 0.7:
        made["subject" if hasattr(struct, "subject") else "patient"] = {"reference": random.choice(_SUBJECTS)}
    if random.random() < 0.95:
        made["resourceType"] = struct.__struct_config__.tag
    return made


@cache
def _fields(struct):
    return inspect.type_info(struct).fields


def _bundle(random, made):
    entries = [{"resource": each} for each in made]
    random.shuffle(entries)
    return {"resourceType": "Bundle", "type": random.choice(("searchset", "collection", None)), "entry": entries}


def _request(random, hook, made):
    whole = full(hook)
    if random.random() < 0.5:
        whole["prefetch"] = {"patient": whole["prefetch"]["patient"], "conditions": whole["prefetch"]["conditions"]}
    keys = tuple(BY_HOOK[hook].templates)
    for each in made:
        whole["prefetch"][random.choice(keys)] = each if random.random() < 0.2 else _bundle(random, [each])
    if hook in ORDER_HOOKS and random.random() < 0.6:
        whole["context"]["draftOrders"] = _bundle(random, made)
        whole["context"]["selections"] = [f"{each.get('resourceType')}/{each.get('id')}" for each in made]
    return whole


def _object(random, fields, depth, written):
    share = random.choice((0.2, 0.5, 0.9)) if depth < 2 else 0.5
    fields = [field for field in fields if random.random() < share]
    return {field.encode_name: _value(random, field.type, field.encode_name, depth + 1, written) for field in fields}


def _value(random, kind, name, depth, written):
    if depth > _DEEPEST or random.random() < 0.07:
        return anything(random)
    if isinstance(kind, inspect.UnionType):
        return _one_of(random, kind, name, depth, written)
    if isinstance(kind, inspect.ListType):
        return [_value(random, kind.item_type, name, depth + 1, written) for _ in range(random.choice((0, 1, 1, 2, 4)))]
    if isinstance(kind, inspect.StructType):
        return _object(random, kind.fields, depth, written)
    if isinstance(kind, inspect.BoolType):
        return random.random() < 0.5
    return _leaf(random, kind, name, written)


def _one_of(random, kind, name, depth, written):
    """Of alternatives one that is no null, as a rule; of all resources one that we read."""
    structs = [each for each in kind.types if isinstance(each, inspect.StructType)]
    if len(structs) > len(TYPES):
        return resource(random, written) if random.random() < 0.5 else None
    others = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    return None if random.random() < 0.03 else _value(random, random.choice(others), name, depth, written)


def _leaf(random, kind, name, written):
    """Text by its name; what is kept raw is a number or a structure of a sample."""
    if isinstance(kind, inspect.StrType):
        return scalar(random, name)
    if random.random() < 0.1:
        return written.raw(random.choice(NUMBERS))
    structures = _structures().get(name)
    return random.choice(structures) if structures and random.random() < 0.6 else scalar(random, name)


@cache
def _structures():
    """Name → the lists and objects that stand under it in the full requests."""
    found = {}
    for hook in BY_HOOK:
        _collect(full(hook), found)
    return found


def _collect(part, found):
    for name, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, dict | list):
            found.setdefault(name, []).append(value)
            _collect(value, found)
