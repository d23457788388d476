"""One station's conversation as a state machine: text and time go in, effects come out. No I/O, no clock."""
