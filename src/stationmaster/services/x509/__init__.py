"""X.509 as a charging network uses it: requests, issued certificates, hash data, chains (handbook §4.3, §4.4, §4.7).

Serial numbers and times are arguments; keys come from and go to whoever keeps them.
"""
