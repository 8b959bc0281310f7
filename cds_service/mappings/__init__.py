"""FHIR R4 in, facts out; and every FHIR resource that the service itself emits."""
