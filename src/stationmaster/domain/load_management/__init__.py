"""Sharing a site's supply among its cars, so that no fuse trips and everybody knows why.

The rule that shapes this package: it is a state machine without a clock and without a protocol.
Inputs (a transaction starts, a station answers, time passes) go in, effects (set this limit,
raise this alert) come out; whoever runs it turns effects into commands and answers into inputs.
A promise of current is counted from the moment it is sent until a lower one is confirmed, so the
sum of what is offered stays below the limit between any two messages (handbook §3.6.6).

What is promised: on every phase and in total, what stations let cars draw stays within the limit,
at every moment, however late stations answer, whatever they refuse, and while they are away, also
across a fall of the limit that was known a day before. A car that cannot have its minimum is
paused, and gets its turn.

What cannot be promised, and is mended and told instead: a limit that is cut without notice (until
stations have confirmed), other loads that rise (until then, too), and a station that draws more
than its limit (from the first measurement on what it draws is reserved, from the second on the
most it can draw).

The way of a plan: `timeline` (what is the limit, now and ahead) and `other_loads` give what there
is; `reservations` what may be drawn already; `targets` shares the rest with `sharing`; `dispatch`
decides what can be sent at once and what must wait; `explanation` says why.
"""
