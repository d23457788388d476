"""Where stations plug in: the only owner of their sockets. It decides who may come in, and nothing about charging."""
