"""What a central system does, one module per functional block, in no OCPP version's words.

A service reads, decides with the rules of `domain`, and records facts; what it records is durable
when it returns. `bundle.Services` is all of them together, as `app` builds them.
"""
