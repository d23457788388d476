"""Stations made of software: one that follows a script, one that lives, and the kit that judges central systems.

They know OCPP's words (`ocpp`) and the conversation (`session`) and nothing else of ours, since the
central system at the other end need not be ours.
"""
