"""fhirServer and fhirAuthorization: where a request may be completed, and with which token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, ValidationError
from pydantic import SecretStr

from cds_service.hooks.members import NULL, is_null, members, text_of
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = msgspec.json.Decoder(float, strict=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """The FHIR server that a request names, and the token for it; `fault` is the field that forbids to use it."""

    server: str
    token: SecretStr | None = None
    fault: str | None = None


def read_grant(server: Raw, authorization: Raw, patient_id: str) -> Grant | None:
    """What the two members grant; None where the request names no server.

    Raises:
        RequestError: 400, a token without the server that it is for, or a member that occurs twice.
    """
    address = text_of(server)
    if not address:
        if not is_null(authorization):
            raise RequestError(400, "required", "The field fhirServer is missing or empty beside fhirAuthorization.")
        return None
    if is_null(authorization):
        return Grant(address)
    fields = members(authorization, "fhirAuthorization")
    if fields is None:
        return Grant(address, fault="fhirAuthorization")
    fault = _fault(fields, patient_id)
    if fault is not None:
        return Grant(address, fault=f"fhirAuthorization.{fault}")
    return Grant(address, SecretStr(text_of(fields["access_token"]) or ""))


def _fault(fields: Mapping[str, Raw], patient_id: str) -> str | None:
    """The first field for which the token cannot be used: missing, expired, of another kind, for another patient."""
    if not text_of(fields.get("access_token", NULL)):
        return "access_token"
    kind = fields.get("token_type", NULL)
    if not is_null(kind) and (text_of(kind) or "").casefold() != "bearer":
        return "token_type"
    if _has_expired(fields.get("expires_in", NULL)):
        return "expires_in"
    patient = fields.get("patient", NULL)
    if not is_null(patient) and (text_of(patient) or "").removeprefix("Patient/") != patient_id:
        return "patient"
    return None


def _has_expired(seconds: Raw) -> bool:
    """Whether the token says that it is no longer valid; some send the number as text."""
    if is_null(seconds):
        return False
    try:
        return not _NUMBER.decode(seconds) > 0
    except ValidationError:
        return True
