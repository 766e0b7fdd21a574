//! A desktop, a cluster and an instance, for what happens between them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::LIMIT;
use super::adit::Running;
use super::desktop::Desktop;
use super::instance::{Demo, Home};
use super::x11;

/// The service that is opened.
pub(crate) const UI: &str = "default/ui:80";

/// A desktop, the demo's cluster, and an instance that knows it.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) desktop: Desktop,
    pub(crate) demo: Demo,
}

impl World {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let demo = Demo::start(&home);
        Self {
            desktop: Desktop::start(),
            home,
            demo,
        }
    }

    /// Starts `adit WORDS` on the desktop and waits until it answers.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut command = self.home.command(words);
        command.args(self.demo.words());
        self.desktop.host(&mut command);
        command.env("ADIT_TEST_PANIC_FILE", self.home.path().join("panic"));
        command.env("BROWSER", self.browser());
        let program = Running::spawn(command);
        self.home.wait_for_instance();
        program
    }

    /// A browser that writes down where it is led.
    fn browser(&self) -> PathBuf {
        let script = self.home.path().join("browser");
        let visited = self.visited();
        let text = format!("#!/bin/sh\necho \"$1\" >'{}'\n", visited.display());
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, Permissions::from_mode(0o700)).unwrap();
        script
    }

    /// What the browser has written down.
    pub(crate) fn visited(&self) -> PathBuf {
        self.home.path().join("visited")
    }

    /// Opens the service; its URL.
    pub(crate) fn open(&self) -> String {
        let opened = self.home.ok(&["up", UI]);
        opened.split(' ').next().unwrap().to_owned()
    }

    pub(crate) fn windows(&self) -> Vec<u32> {
        x11::windows(self.desktop.display(), "Adit")
    }

    /// Waits until there are so many windows; how long that took.
    pub(crate) fn wait_for_windows(&self, count: usize) -> Duration {
        let start = Instant::now();
        while self.windows().len() != count {
            assert!(start.elapsed() < LIMIT, "not {count} windows");
        }
        start.elapsed()
    }

    pub(crate) fn close_window(&self) {
        self.wait_for_windows(1);
        for window in self.windows() {
            x11::close(self.desktop.display(), window);
        }
        self.wait_for_windows(0);
    }
}
