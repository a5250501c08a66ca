"""The program of a warm worker: imports once, then runs one script after the other.

Apart from it stands the executor plugin, whose imports a worker does not need.
"""
