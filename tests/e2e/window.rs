//! The real window on a display of its own: a click on a service's switch, and the service answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::adit::{Running, command};
use crate::support::desktop::Desktop;
use crate::support::servers::connect;

#[test]
fn a_click_on_the_switch_opens_the_service_and_another_closes_it() {
    let desktop = Desktop::start();
    let mut command = command(desktop.home());
    command.arg("demo");
    desktop.host(&mut command);
    let mut tree = desktop.tree();
    let _adit = Running::spawn(command);

    let switch = tree.find(|name| name == "default/ui port 80");
    assert!(
        !tree.nodes().iter().any(|node| node.name == "Open"),
        "nothing is open yet"
    );
    desktop.click(&tree, &switch);
    tree.find(|name| name == "Open");
    let link = tree.find(|name| name.starts_with("http://127.0.0.1:"));
    let address: SocketAddr = link.name["http://".len()..].parse().unwrap();
    let page = get(address);
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    assert!(page.contains("ui"), "{page}");

    let switch = tree.find(|name| name == "default/ui port 80");
    desktop.click(&tree, &switch);
    tree.gone(|name| name == link.name);
    assert!(
        TcpStream::connect(address).is_err(),
        "the port is free again"
    );
}

fn get(address: SocketAddr) -> String {
    let mut stream = connect(address);
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}
