# The keys, and the palette of commands.

keys-title = Keys
keys-move = Move to another row
keys-jump = Move by a page, to the first, to the last
keys-toggle = Open or close the tunnel
keys-open = Open the address in the browser
keys-favourite = Make it a favourite, or none
keys-mark = Mark rows, to act on them together
keys-mark-all = Mark every row that is shown
keys-search = Search
keys-palette = Find and do anything
keys-pages = Go to a page
keys-zoom = Larger, smaller, as before
keys-escape = Back: the marks, the search, the details
keys-help = Show the keys

palette-hint = Type a service, a host or what to do
palette-nothing = Nothing fits.
palette-service = Service
palette-page = Page
palette-action = Action
palette-setting = Setting
palette-open = Open { $service }
palette-close = Close { $service }
palette-browse = Browse { $service }
palette-show = Show { $service }
palette-probe = Try every hop of { $service }
palette-stop-probe = Stop trying the hops of { $service }
palette-go = Go to { $page }
palette-open-all = Open all { $count } that are listed
palette-close-all = Close all { $count } that are listed
palette-language = Language: { $language }
palette-host = Tunnel through { $host }
