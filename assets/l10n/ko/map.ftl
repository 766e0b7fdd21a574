# The address map.
