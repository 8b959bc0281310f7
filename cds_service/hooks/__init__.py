"""CDS Hooks in and out: protocol models, services, cards and their wording."""
