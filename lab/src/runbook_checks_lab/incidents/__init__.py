"""What goes wrong in earnest, with everything that it takes along? One module per system.

A fault shows one symptom as purely as it can be had; an incident is what an on-call engineer meets: a server that has
ended, and all that lived on it. What the stand-ins don't have (a back end that asks its database) is done by hand.
"""
