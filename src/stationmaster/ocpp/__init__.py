"""The words on the wire: frames, errors, and the typed messages of each OCPP version.

The rule that shapes this package: text comes in, typed messages go out, and back. It does no
input or output, reads no clock, draws no random number and writes no log. Each version is a
folder of its own (`v16`), a sibling and never an ancestor of the next.

- `errors`: the codes of a CALLERROR and the exception that carries one.
- `frames`: the arrays around a message; `decode` never raises.
- `protocol`: the table of actions of one version; reading requests and responses.
- `oddities`: what was tolerated in a message, as a closed list.
- `fields`, `shapes`, `mending`: how a field is described, compiled and, if need be, mended.
"""
