"""What each OCPP message means: the words of a version on one side, calls of services on the other.

Each version is a folder of its own (`v16`), a sibling and never an ancestor of the next. `contract`
is what the gateway gives to actions and gets back.
"""
