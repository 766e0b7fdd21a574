//! Commands as people have them in their notes and histories.

use proptest::prelude::*;

use super::*;

fn forward(text: &str) -> ForwardSpec {
    text.parse().unwrap()
}

#[test]
fn the_command_of_the_story_is_read_whole() {
    let command = parse("ssh -L 8080:10.0.0.241:80 ubuntu@203.0.113.7 -i key.pem").unwrap();
    let mut host = SavedHost::new("203.0.113.7", "203.0.113.7");
    host.user = Some("ubuntu".to_owned());
    host.identities = vec![PathBuf::from("key.pem")];
    assert_eq!(
        command,
        SshCommand {
            host,
            forwards: vec![forward("8080:10.0.0.241:80")],
            left_out: Vec::new(),
        }
    );
}

#[test]
fn whatever_stands_around_it_is_understood() {
    let expected = parse("ssh -L 8080:a:80 -L 9090:b:90 -p 2222 me@host").unwrap();
    for text in [
        "ssh -fN -L8080:a:80 -L 9090:b:90 -p2222 me@host",
        "nohup ssh -N -L 8080:a:80 -L 9090:b:90 -p 2222 me@host > /dev/null 2>&1 &",
        "AWS_PROFILE=x LC_ALL=C /usr/bin/ssh -NTL 8080:a:80 -L 9090:b:90 me@host -p 2222",
        "ssh \\\n  -L 8080:a:80 \\\n  -L \"9090:b:90\" \\\n  -p '2222' me@host",
        "ssh ^\r\n -L 8080:a:80 ^\r\n -L 9090:b:90 -p 2222 me@host",
        "$ ssh -l me host -o Port=2222 -o 'LocalForward 8080 a:80' -L 9090:b:90",
        "autossh -M 0 -f -N -L 8080:a:80 -L 9090:b:90 -p 2222 me@host",
        "ssh ssh://me@host:2222 -L 8080:a:80 -L 9090:b:90",
        "ssh.exe -L 8080:a:80 -L 9090:b:90 -p 2222 me@host # prod",
        "adit forward -L 8080:a:80 -L 9090:b:90 -p 2222 me@host",
        "ssh -L 8080:a:80 -p 2222 me@host &\nssh -L 9090:b:90 -p 2222 me@host &",
        "env A=b nice=1 ssh -L 8080:a:80 -L 9090:b:90 -p 2222 -- me@host",
    ] {
        let command = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(command.forwards, expected.forwards, "{text}");
        assert_eq!(command.host.user.as_deref(), Some("me"), "{text}");
        assert_eq!(command.host.port, Some(2222), "{text}");
        assert_eq!(command.host.address, "host", "{text}");
        assert_eq!(command.left_out, Vec::new(), "{text}");
    }
}

#[test]
fn options_about_the_host_stay_with_it() {
    let command = parse(
        "ssh -J bastion,ops@inner:2200 -i ~/.ssh/a.pem -i \"$HOME/b c.pem\" -C -4 -c aes128-gcm@openssh.com \
         -o ServerAliveInterval=30 -o StrictHostKeyChecking=accept-new -o IdentityFile=/k/c node",
    )
    .unwrap();
    let host = command.host;
    assert_eq!(host.jumps, ["bastion", "ops@inner:2200"]);
    let keys = ["~/.ssh/a.pem", "~/b c.pem", "/k/c"].map(PathBuf::from);
    assert_eq!(host.identities, keys);
    assert_eq!(
        host.options,
        [
            "Compression=yes",
            "AddressFamily=inet",
            "Ciphers=aes128-gcm@openssh.com",
            "ServerAliveInterval=30",
            "StrictHostKeyChecking=accept-new",
        ]
    );
}

#[test]
fn what_is_not_taken_over_is_said_once() {
    let left_out = |text: &str| {
        let command = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let words: Vec<String> = command.left_out.iter().map(ToString::to_string).collect();
        words.join("\n")
    };
    for (text, part) in [
        ("ssh -R 1:a:2 -R 3:b:4 h", "-R is left out"),
        ("ssh -D 1080 h", "-D is left out"),
        ("ssh -F other h", "~/.ssh/config"),
        ("ssh -g -L 1:a:2 h", "-g is left out"),
        ("ssh h uptime -p", "'uptime -p' is left out"),
        (
            "ssh -L 1:a:2 h; curl localhost:1",
            "'curl localhost:1' is left out",
        ),
        ("ssh -L 1:a:2 h; ssh -L 1:a:2 other", "one host at a time"),
        ("sshpass -p hunter2 ssh h", "sshpass"),
        ("sudo ssh h", "sudo"),
        ("ssh -i $KEY h", "$KEY holds a variable"),
    ] {
        let words = left_out(text);
        assert!(words.contains(part), "{text}: {words}");
        assert_eq!(words.lines().count(), 1, "{text}: {words}");
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[test]
fn what_makes_no_sense_says_why() {
    for (text, part) in [
        ("", "no command"),
        ("  # nothing\n", "no command"),
        ("kubectl get svc", "'kubectl' is not ssh"),
        ("ssh", "names no host"),
        ("ssh -L 8080:a:80", "names no host"),
        ("ssh h -L", "-L is the last word"),
        ("ssh -Z h", "no option -Z"),
        ("ssh -L nonsense h", "not a local forward"),
        ("ssh -p 99999 h", "'99999' is not a port"),
        ("ssh u@", "host's name is empty"),
        ("ssh -o Nonsense h", "not KEY=VALUE"),
        ("ssh 'h", "quote"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn every_address_makes_a_name() {
    for (address, name) in [
        ("203.0.113.7", "203.0.113.7"),
        ("node-1.example.org", "node-1.example.org"),
        ("fd00::1%eth0", "fd00--1-eth0"),
        ("::1", "1"),
        ("---", "host"),
    ] {
        assert_eq!(name_for(address), name);
        assert_eq!(SavedHost::check_name(name), Ok(()));
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _any = parse(&text);
    }

    #[test]
    fn no_command_panics(words in prop::collection::vec("(ssh|-[a-zA-Z0-9]{1,3}|[a-z@:0-9./'\"\\\\$&;|<> \n-]{0,12})", 0..12)) {
        let _any = parse(&format!("ssh {}", words.join(" ")));
    }

    #[test]
    fn quoting_changes_nothing(key in "[a-z '\"$`\\\\&;|#-]{1,20}", host in "[a-z]{1,10}") {
        let quoted = crate::model::shell_quoted(&key);
        let command = parse(&format!("ssh -i {quoted} {host}")).unwrap();
        prop_assert_eq!(command.host.identities, vec![PathBuf::from(key)]);
        prop_assert_eq!(command.host.address, host);
    }

    #[test]
    fn a_name_is_always_good(address in ".{0,120}") {
        prop_assert_eq!(SavedHost::check_name(&name_for(&address)), Ok(()));
    }
}

const WORDS: &[&str] = &[
    "ssh ",
    " -L ",
    " -i ",
    " -p ",
    " -o ",
    " -J ",
    " -D ",
    " -N",
    " -f",
    " -- ",
    "$(",
    "`",
    "&& ",
    "; ",
    "| ",
    ">",
    "~",
    "\\\n",
    "'",
    "\"",
    "#",
    "@",
    ":",
    "[",
    "]",
    "::1",
    "ssh://",
    "*",
    "$HOST",
    "=",
    ",",
    "%h",
    "sshpass -p hunter2 ",
];

proptest! {
    /// A spoiled command is read whole, or said to be none in words.
    #[test]
    fn fuzz_ssh_command(text in crate::testing::spoiled(&["corpus/ssh_command"], "", &[WORDS])) {
        let text = String::from_utf8_lossy(&text);
        match parse(&text) {
            Ok(command) => {
                prop_assert_eq!(SavedHost::check_name(command.host.id.as_str()), Ok(()));
                prop_assert!(!command.host.address.is_empty());
                for left_out in &command.left_out {
                    prop_assert!(!left_out.to_string().is_empty());
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
