"""Run by Alembic: the migrations join the transaction of the connection that they are given."""

from alembic import context

options = context.config.attributes
context.configure(connection=options["connection"], version_table=options["version_table"])
context.run_migrations()
