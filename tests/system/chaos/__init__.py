"""A hall among accidents: seeded accidents, clients that remember what they were promised, and an auditor."""
