"""Runs the planners of sites: who plans where, what planners are told, and what becomes of what they want.

`service` knows which sites are managed and which of them this node plans; `runner` is one site with
its planner; `looking` holds what is stored against what the planner knows; `sending` turns limits
into commands; `releasing` takes limits back from what is managed no longer.
"""

from stationmaster.services.load_management.service import LoadManagement

__all__ = ["LoadManagement"]
