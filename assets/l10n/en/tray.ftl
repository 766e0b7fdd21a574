# The tray icon and its menu, and notifications of the desktop.

tray-none-open = No tunnel is open
tray-open-count = { $count } open
tray-on-the-way = { $count } on the way
tray-need-you = { $count } need you
tray-question = A question waits for you…
tray-window = Show the window
tray-at-login = Start at login
tray-quit = Quit
tray-quit-closes = { $count ->
    [one] Quit (closes 1 tunnel)
   *[other] Quit (closes { $count } tunnels)
}
tray-not-there = { $service }: not in the cluster
tray-more = { $count } more in the window…
tray-open = Open
tray-answers = It answers
tray-copy = Copy { $address }
tray-copy-address = Copy the address
tray-browse = Open in the browser
tray-open-all = Open all
tray-close-all = Close all
