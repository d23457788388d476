"""Query objects: what is remembered, as domain nouns, with filters and pages."""
