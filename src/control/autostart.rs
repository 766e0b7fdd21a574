//! Whether Adit starts when the person logs in: seen and changed in the place where the system itself looks.
//!
//! On Linux that is a file in `$XDG_CONFIG_HOME/autostart` (the Desktop Application Autostart Specification), which every
//! desktop's own settings show as well; on macOS a launch agent, on Windows the Run key of the registry.

use std::path::PathBuf;

/// Why it cannot be seen or changed.
#[derive(Debug, thiserror::Error)]
pub enum AutostartError {
    /// There is no place for it.
    #[error("there is no home folder to keep it in")]
    NoHome,
    /// The program's own path cannot be written there.
    #[error("the program's path {} cannot be written into a desktop file", .0.display())]
    Path(PathBuf),
    /// The system's reason.
    #[error("{} cannot be used", .path.display())]
    Io {
        /// What it is about.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What the system's own registration says.
    #[cfg(not(target_os = "linux"))]
    #[error("the system does not let it be changed")]
    System(#[source] auto_launch::Error),
}

#[cfg(target_os = "linux")]
pub use linux::Autostart;
#[cfg(not(target_os = "linux"))]
pub use others::Autostart;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    use super::AutostartError;

    /// The entry of this program among those that start at login.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Autostart {
        file: PathBuf,
        program: PathBuf,
    }

    impl Autostart {
        /// This program's entry among this person's.
        ///
        /// # Errors
        /// [`AutostartError::NoHome`].
        pub fn of_this_program() -> Result<Self, AutostartError> {
            let folders = directories::BaseDirs::new().ok_or(AutostartError::NoHome)?;
            let program = std::env::current_exe().map_err(|source| AutostartError::Io {
                path: PathBuf::from("/proc/self/exe"),
                source,
            })?;
            Ok(Self::new(folders.config_dir(), program))
        }

        fn new(config: &Path, program: PathBuf) -> Self {
            Self {
                file: config.join("autostart").join("adit.desktop"),
                program,
            }
        }

        /// Where it is kept.
        #[must_use]
        pub fn place(&self) -> String {
            self.file.display().to_string()
        }

        /// Whether it is on: the entry is there, and neither hidden nor switched off by the desktop's own settings.
        ///
        /// # Errors
        /// [`AutostartError::Io`].
        pub fn is_on(&self) -> Result<bool, AutostartError> {
            let text = match fs::read_to_string(&self.file) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(source) => return Err(self.io(source)),
            };
            let says = |key: &str, value: &str| {
                text.lines().any(|line| {
                    line.split_once('=')
                        .is_some_and(|(name, is)| name.trim() == key && is.trim() == value)
                })
            };
            Ok(!says("Hidden", "true") && !says("X-GNOME-Autostart-enabled", "false"))
        }

        /// Switches it on or off.
        ///
        /// # Errors
        /// [`AutostartError`].
        pub fn set(&self, on: bool) -> Result<(), AutostartError> {
            if on {
                self.switch_on()
            } else {
                self.switch_off()
            }
        }

        fn switch_on(&self) -> Result<(), AutostartError> {
            let entry = entry(&self.program)?;
            let folder = self.file.parent().ok_or(AutostartError::NoHome)?;
            // Written beside it and moved into place, so that a desktop never reads half of it.
            let draft = self.file.with_extension("desktop.new");
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&draft, entry))
                .and_then(|()| fs::rename(&draft, &self.file))
                .map_err(|source| self.io(source))
        }

        fn switch_off(&self) -> Result<(), AutostartError> {
            match fs::remove_file(&self.file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(error)),
                _ => Ok(()),
            }
        }

        fn io(&self, source: io::Error) -> AutostartError {
            AutostartError::Io {
                path: self.file.clone(),
                source,
            }
        }
    }

    /// The desktop entry (Desktop Entry Specification, 1.5).
    fn entry(program: &Path) -> Result<String, AutostartError> {
        let command = program
            .to_str()
            .and_then(quoted)
            .ok_or_else(|| AutostartError::Path(program.to_owned()))?;
        Ok(format!(
            "[Desktop Entry]\n\
             Type=Application\n\
             Name=Adit\n\
             Comment=Opens the services of a Kubernetes cluster on this computer\n\
             Exec={command} agent\n\
             Icon=adit\n\
             Terminal=false\n\
             StartupNotify=false\n\
             X-GNOME-Autostart-enabled=true\n"
        ))
    }

    /// One argument of an `Exec` line, quoted twice over: for the command's own quoting, and for the file's strings.
    fn quoted(text: &str) -> Option<String> {
        if text.chars().any(char::is_control) {
            return None;
        }
        let mut quoted = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '`' | '$' => quoted.extend(["\\\\", c.encode_utf8(&mut [0; 4])]),
                '\\' => quoted.push_str(r"\\\\"),
                '%' => quoted.push_str("%%"),
                c => quoted.push(c),
            }
        }
        quoted.push('"');
        Some(quoted)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn it_can_be_switched_seen_and_undone() {
            let home = tempfile::tempdir().unwrap();
            let autostart = Autostart::new(home.path(), PathBuf::from("/usr/bin/adit"));
            assert!(!autostart.is_on().unwrap());
            autostart.set(true).unwrap();
            assert!(autostart.is_on().unwrap());
            let text = fs::read_to_string(&autostart.file).unwrap();
            assert!(text.contains("Exec=\"/usr/bin/adit\" agent\n"), "{text}");
            for (from, to) in [
                ("enabled=true", "enabled=false"),
                ("Terminal=false", "Hidden=true"),
            ] {
                fs::write(&autostart.file, text.replace(from, to)).unwrap();
                assert!(!autostart.is_on().unwrap(), "{to}");
            }
            autostart.set(true).unwrap();
            assert!(autostart.is_on().unwrap());
            autostart.set(false).unwrap();
            assert!(!autostart.is_on().unwrap());
            autostart.set(false).unwrap();
            let left = fs::read_dir(home.path().join("autostart")).unwrap();
            assert_eq!(left.count(), 0, "nothing is left behind");
        }

        #[test]
        fn any_path_is_one_argument() {
            for (path, expected) in [
                ("/opt/my adit", r#""/opt/my adit""#),
                (r#"/a"b$c`d"#, r#""/a\\"b\\$c\\`d""#),
                (r"/a\b", r#""/a\\\\b""#),
                ("/100%", r#""/100%%""#),
            ] {
                assert_eq!(quoted(path).as_deref(), Some(expected));
            }
            assert_eq!(quoted("/a\nExec=evil"), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod others {
    use auto_launch::{AutoLaunch, AutoLaunchBuilder};

    use super::AutostartError;

    /// The entry of this program among those that start at login.
    pub struct Autostart(AutoLaunch);

    impl Autostart {
        /// This program's entry among this person's.
        ///
        /// # Errors
        /// [`AutostartError`].
        pub fn of_this_program() -> Result<Self, AutostartError> {
            let program = std::env::current_exe().map_err(|source| AutostartError::Io {
                path: std::path::PathBuf::new(),
                source,
            })?;
            let path = program
                .to_str()
                .ok_or_else(|| AutostartError::Path(program.clone()))?;
            let mut builder = AutoLaunchBuilder::new();
            builder
                .set_app_name("Adit")
                .set_app_path(path)
                .set_args(&["agent"]);
            #[cfg(target_os = "macos")]
            builder.set_macos_launch_mode(auto_launch::MacOSLaunchMode::LaunchAgent);
            #[cfg(windows)]
            builder.set_windows_enable_mode(auto_launch::WindowsEnableMode::CurrentUser);
            builder.build().map(Self).map_err(AutostartError::System)
        }

        /// Where it is kept.
        #[must_use]
        pub fn place(&self) -> String {
            if cfg!(target_os = "macos") {
                "~/Library/LaunchAgents/Adit.plist".to_owned()
            } else {
                r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run\Adit".to_owned()
            }
        }

        /// Whether it is on.
        ///
        /// # Errors
        /// [`AutostartError::System`].
        pub fn is_on(&self) -> Result<bool, AutostartError> {
            self.0.is_enabled().map_err(AutostartError::System)
        }

        /// Switches it on or off.
        ///
        /// # Errors
        /// [`AutostartError::System`].
        pub fn set(&self, on: bool) -> Result<(), AutostartError> {
            let done = if on {
                self.0.enable()
            } else {
                self.0.disable()
            };
            done.map_err(AutostartError::System)
        }
    }
}
