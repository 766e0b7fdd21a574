# The page of settings.

settings-look = Look
settings-language = Language
settings-as-system = As the system
settings-theme = Theme
settings-light = Light
settings-dark = Dark
settings-zoom = Zoom
settings-reduced-motion = Less movement
settings-reduced-motion-hint = Nothing moves that need not: bytes on their way, dots, sliding switches.
settings-list = List
settings-grouped-hint = Each namespace is a group that can be folded away, and opened or closed as a whole.
settings-columns = Columns that are shown
settings-behaviour = Behaviour
settings-reopen = Open tunnels again
settings-reopen-hint = What was open when Adit ended is opened again when it starts.
settings-login = Start at login
settings-login-hint = Adit starts in the background when you log in.
settings-tray = Keep running when the window is closed
settings-tray-hint = The tunnels stay, and the tray icon brings the window back.
settings-notify = Notify of lasting losses
settings-notify-hint = One quiet notification when a tunnel is lost for longer than ten seconds, and one when it is back.
