"""A FHIR server that may be asked, as an installation lists it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from cds_service.fhir_access.addresses import Network, host_of, literal

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class FhirServer:
    """One listed server. `base` has no slash at its end."""

    base: str
    networks: tuple[Network, ...] = ()
    """Networks that are not public, in which the host may lie."""
    search: Literal["get", "post"] = "get"
    """How a search is sent: `GET {type}?…`, or `POST {type}/_search` with the parameters as a form."""
    needs_token: bool = True
    """Whether only requests that bring a token are served: without one nothing is asked."""
    ca_file: Path | None = None
    """Certificates that the server's own must be signed by; those of the system if none is given."""

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        """The listed networks, and the address itself where the base is written with one."""
        host = host_of(self.base)
        if host == "localhost":
            return (*self.networks, *_LOOPBACK)
        address = literal(host)
        return self.networks if address is None else (*self.networks, ip_network(address))
