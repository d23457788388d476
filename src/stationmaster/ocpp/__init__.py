"""The words on the wire: frames, errors, and the typed messages of each OCPP version.

The rule that shapes this package: text comes in, typed messages go out, and back. It does no
input or output, reads no clock, draws no random number and writes no log. Each version is a
folder of its own (`v16`), a sibling and never an ancestor of the next.

What other layers use:

- `frames`: text to frames and back; `decode` never raises.
- `protocol` and `v16.V16`: the table of actions; reading and building requests and responses.
- `errors`: the codes of a CALLERROR and the exception that carries one.
- `oddities`: what was tolerated in a message, as a closed list.

Beneath: `envelopes` (the kinds of frames), `salvage` (frames that break the rules), `reading` (the
fast decode and the careful one), `fields` (how a field is described), `shapes` and `scalars` (the
same, compiled for careful reading), `walk` (what is tolerated, and where), `plain_json`.
"""
