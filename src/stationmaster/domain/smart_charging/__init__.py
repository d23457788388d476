"""Charging profiles: what they are, how they stack, what a station holds, and what may be sent.

The rule that shapes this package: no protocol version's words. Purposes, kinds and units are our
own enumerations, a place is a `Location`, limits are whole tenths, and time is an argument
(handbook §3.6; slice of 2.0.1 §4.5, §6 rule 9).
"""
