# The tray icon and its menu, and notifications of the desktop.
