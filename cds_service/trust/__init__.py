"""Who is calling: registered CDS clients, JWT, key sets, replay."""
