"""Plays a vendor's EHR against a CDS Hooks service, and judges its answers. Imports nothing of the service."""
