"""System tests of faults: real processes under a steady load, whose failed requests are counted."""
