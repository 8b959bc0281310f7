"""Fetches what prefetch did not bring: bytes, links and statuses, from listed servers, inside one deadline."""
