"""Which bones are affected: lesions of form and record, counted and placed (AMB-12 to AMB-14, KLN-06, KLN-07)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.dates import known_to
from cds_service.guideline.facts import Facts, Lesion, Note
from cds_service.guideline.interval import Truth, all_of, any_of

if TYPE_CHECKING:
    from cds_service.guideline.tables import Bones, Keys

Site: TypeAlias = tuple[str, str | None]
"""Bone key and side; no side where it is unknown or the bone has none."""


@dataclass(frozen=True, slots=True)
class LesionPicture:
    """All lesions, those that count as bones of their own, and whether the list is complete."""

    lesions: tuple[Lesion, ...]
    counted: tuple[Lesion, ...]
    sites: tuple[Site, ...]
    """The distinct places among those counted, sorted; a bilateral lesion of a paired bone is two."""
    complete: bool
    """Only the dated list of the form is complete, and only while the record adds nothing to it."""
    notes: tuple[Note, ...]


def picture_of(facts: Facts, bones: Bones) -> LesionPicture:
    """Join form and record: a recorded lesion cannot be erased by an answer, only found again in it."""
    form = facts.answers
    mine = tuple(lesion for lesion in form.lesions if lesion.bone is None or lesion.bone not in bones.not_a_bone)
    recorded = tuple(lesion for lesion in facts.lesions if lesion.bone is None or lesion.bone not in bones.not_a_bone)
    added = tuple(lesion for lesion in recorded if not _is_listed(lesion, mine))
    notes = tuple(
        Note(lesion.source, "answer-contradicts-record" if known_to(lesion.when, form.authored) else "answer-outdated")
        for lesion in added
        if mine
    )
    complete = bool(mine) and form.authored is not None and not added and all(lesion.bone for lesion in mine)
    counted = (*mine, *added)
    return LesionPicture((*mine, *recorded), counted, _sites(counted, bones), complete, notes)


def _is_listed(recorded: Lesion, form: tuple[Lesion, ...]) -> bool:
    """Whether the form lists a recorded lesion: the same bone, on the same side as far as both are told."""
    sides = {lesion.side for lesion in form if lesion.bone == recorded.bone and lesion.bone is not None}
    if not sides:
        return False
    if recorded.side is None or sides & {recorded.side, "bilateral", None}:
        return True
    return recorded.side == "bilateral" and sides >= {"left", "right"}


def multifocal(picture: LesionPicture, bones: Bones, at_least: int) -> Truth:
    """Are that many bones affected? NO only for a complete list."""
    sites = picture.sites
    for group in combinations(sites, at_least):
        if all(_distinct(a, b, bones) is Truth.YES for a, b in combinations(group, 2)):
            return Truth.YES
    if not picture.complete or sum(_most_bones(key, picture, bones) for key in {key for key, _ in sites}) >= at_least:
        return Truth.UNKNOWN
    return Truth.NO


def symmetric(picture: LesionPicture, bones: Bones) -> Truth:
    """Is one bone affected on both sides? YES only for the bones of AMB-14, NO only for a complete list."""
    sites = picture.sites
    both = {key for key, side in sites if side == "left"} & {key for key, side in sites if side == "right"}
    if any(key in bones.symmetric for key in both):
        return Truth.YES
    sideless = any(side is None and (key in bones.symmetric or key in bones.paired) for key, side in sites)
    hidden = any(_distinct(a, b, bones) is Truth.UNKNOWN for a, b in combinations(sites, 2))
    if both or sideless or hidden or _repeated_region(picture, bones) or not picture.complete:
        return Truth.UNKNOWN
    return Truth.NO


def _sites(counted: tuple[Lesion, ...], bones: Bones) -> tuple[Site, ...]:
    sites: set[Site] = set()
    for lesion in counted:
        if lesion.bone is None:
            continue
        lateral = lesion.bone in bones.symmetric or lesion.bone in bones.paired
        if not lateral and lesion.bone not in bones.regions:
            sites.add((lesion.bone, None))
        elif lesion.side == "bilateral" and lateral:
            sites |= {(lesion.bone, "left"), (lesion.bone, "right")}
        else:
            sites.add((lesion.bone, lesion.side if lesion.side in ("left", "right") else None))
    return tuple(sorted(sites, key=lambda site: (site[0], site[1] or "")))


def _distinct(a: Site, b: Site, bones: Bones) -> Truth:
    """Are two places two bones?"""
    (first, first_side), (second, second_side) = a, b
    if first == second:
        if first in bones.regions or first_side is None or second_side is None:
            return Truth.UNKNOWN
        return Truth.of(first_side != second_side)
    nested = second in bones.inside.get(first, ()) or first in bones.inside.get(second, ())
    return Truth.UNKNOWN if nested else Truth.YES


def _most_bones(key: str, picture: LesionPicture, bones: Bones) -> int:
    """The most bones that the lesions under one key can be."""
    lesions = [lesion for lesion in picture.counted if lesion.bone == key]
    if key in bones.regions:
        return sum(2 if lesion.side == "bilateral" else 1 for lesion in lesions)
    if key not in bones.symmetric and key not in bones.paired:
        return 1
    return 1 if {lesion.side for lesion in lesions} in ({"left"}, {"right"}) else 2


def _repeated_region(picture: LesionPicture, bones: Bones) -> bool:
    keys = [lesion.bone for lesion in picture.counted if lesion.bone is not None and lesion.bone in bones.regions]
    bilateral = any(lesion.side == "bilateral" and lesion.bone in keys for lesion in picture.counted)
    return bilateral or len(keys) > len(set(keys))


def in_group(lesion: Lesion, bones: Bones, group: str) -> Truth:
    """Does a lesion lie in a row of CLS-3.3, `clavicle_mandible` or `skull_hand`? An unread bone may."""
    key = lesion.bone
    if key is None:
        return Truth.UNKNOWN
    if key in bones.either_jaw or (key in bones.either_sternoclavicular and group == "clavicle_mandible"):
        return Truth.UNKNOWN
    return Truth.of(key in (bones.clavicle_mandible if group == "clavicle_mandible" else bones.skull_hand))


def has_typical_feature(lesion: Lesion, bones: Bones) -> Truth:
    """CLS-1.3a at a site that is a bone; a sternoclavicular joint or an unread bone leaves it open."""
    if not lesion.features & bones.typical_features:
        return Truth.UNKNOWN
    if lesion.bone is None or lesion.bone in bones.either_sternoclavicular:
        return Truth.UNKNOWN
    return Truth.YES


def is_typical(lesion: Lesion, bones: Bones) -> Truth:
    """KLN-07: at one of the most frequent sites? A long bone only in its metaphysis."""
    key = lesion.bone
    if key is None or key in bones.either_jaw or key in bones.either_sternoclavicular:
        return Truth.UNKNOWN
    if key in bones.long_bones:
        return Truth.UNKNOWN if lesion.zone is None else Truth.of(lesion.zone == "metaphysis")
    return Truth.of(key in bones.typical_anywhere)


def alone_in(picture: LesionPicture, bones: Bones, bone: str, at_least: int) -> Truth:
    """Is that bone the only one affected? UNKNOWN unless the list is complete (BIO-05, DDX-03)."""
    if not picture.complete:
        return Truth.UNKNOWN
    here = all_of(_may_be(lesion, bone, bones) for lesion in picture.counted)
    return ~multifocal(picture, bones, at_least) & here


def _may_be(lesion: Lesion, bone: str, bones: Bones) -> Truth:
    if lesion.bone is not None and bone in bones.inside.get(lesion.bone, ()):
        return Truth.UNKNOWN
    return Truth.of(lesion.bone == bone)


def any_with_feature(picture: LesionPicture, feature: str) -> Truth:
    """YES where a lesion carries the feature; not ticked is not assessed, so never NO (BIO-16, BIO-17)."""
    return any_of(Truth.YES for lesion in picture.lesions if feature in lesion.features) | Truth.UNKNOWN


def with_any(lesions: tuple[Lesion, ...], features: frozenset[str]) -> tuple[Lesion, ...]:
    """The lesions that carry one of these features."""
    return tuple(lesion for lesion in lesions if lesion.features & features)


def in_bones(lesions: tuple[Lesion, ...], bones: Keys) -> tuple[Lesion, ...]:
    """The lesions of these bones; one whose bone is not known is none."""
    return tuple(lesion for lesion in lesions if lesion.bone is not None and lesion.bone in bones)


def only_in(picture: LesionPicture, bone: str, several: Truth) -> bool:
    """Whether all lesions known lie in that bone, and are not known to be several bones (IMG-11)."""
    elsewhere = any(lesion.bone != bone for lesion in picture.counted)
    return bool(picture.counted) and not elsewhere and several is not Truth.YES


def in_one_bone(picture: LesionPicture, several: Truth, *, listed: bool) -> bool:
    """Surely one bone, or the only one that an answered list names where it cannot be told for sure (KLN-08)."""
    if several is not Truth.UNKNOWN:
        return several is Truth.NO
    return listed and len(picture.sites) == 1 and all(lesion.bone for lesion in picture.counted)
