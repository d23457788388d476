"""The REST API under /api/v1, its live events and the built web UI.

What comes in is checked against its limits before anything else sees it; what goes wrong goes out
as a problem document. The API decides nothing about charging: it asks the services.
"""
