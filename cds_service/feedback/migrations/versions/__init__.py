"""One module per schema; what has been released is never changed."""
