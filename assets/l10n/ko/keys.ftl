# The keys, and the palette of commands.
