"""CDS Hooks service for chronic non-bacterial osteomyelitis (CNO) in children."""
