"""What became of a card: the feedback that EHRs send, its store and migrations."""
