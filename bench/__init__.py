"""Measures a node beside what it is built on and beside what others would write.

`python -m bench` starts each subject in a process of its own, one after another, puts the same
load on each from another process, and prints one table. Nothing here is imported by the product.
"""
