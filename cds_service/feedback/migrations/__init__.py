"""Alembic's folder: every schema that the tables of feedback have had, oldest first."""
