"""Sharing a site's supply among its cars, so that no fuse trips and everybody knows why.

The rule that shapes this package: it is a state machine without a clock and without a protocol.
Inputs (a transaction starts, a station answers, time passes) go in, effects (set this limit,
raise this alert) come out; whoever runs it turns effects into commands and answers into inputs.
A promise of current is counted from the moment it is sent until a lower one is confirmed, so the
sum of what is offered stays below the limit between any two messages (handbook §3.6.6).
"""
