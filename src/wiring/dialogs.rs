//! The system's dialogs for files, and what is done where a system has none.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use adit::ssh::config::Environment;
use adit::ui::{Drawing, NoDialog, Picked, Saved, SavedAs};

/// How many files of one name are looked past for a free one.
const MOST_ALIKE: usize = 1000;

/// Has the person pick a key. The dialog is waited for on a thread of its own: the window goes on.
pub(super) fn pick_key(picked: Picked) {
    std::thread::spawn(move || {
        if !system::has_dialogs() {
            return picked(Err(NoDialog));
        }
        let folder = Environment::of_this_computer().user_folder();
        let dialog = system::beginning_in(&folder).pick_file();
        let file = futures::executor::block_on(dialog);
        picked(Ok(file.map(|file| file.path().to_owned())));
    });
}

/// Has the person name a file and writes the drawing into it; where there is no dialog, into a new file where downloads go.
pub(super) fn save_drawing(drawing: Drawing, saved: Saved) {
    std::thread::spawn(move || saved(save(drawing)));
}

fn save(drawing: Drawing) -> Result<SavedAs, String> {
    if !system::has_dialogs() {
        return save_unasked(drawing).map(SavedAs::Unasked);
    }
    let dialog = rfd::AsyncFileDialog::new()
        .set_file_name(drawing.name)
        .add_filter(drawing.extension, &[drawing.extension])
        .save_file();
    let Some(file) = futures::executor::block_on(dialog) else {
        return Ok(SavedAs::Nothing);
    };
    let path = file.path();
    let contents = (drawing.contents)()?;
    std::fs::write(path, contents).map_err(|error| at(path, &error))?;
    Ok(SavedAs::Chosen(path.to_owned()))
}

fn save_unasked(drawing: Drawing) -> Result<PathBuf, String> {
    let contents = (drawing.contents)()?;
    let folders = directories::UserDirs::new().ok_or("this user has no home folder")?;
    let downloads = folders.download_dir().filter(|folder| folder.is_dir());
    let folder = downloads.unwrap_or_else(|| folders.home_dir());
    let (path, mut file) =
        new_file(folder, &drawing.name).map_err(|error| at(&folder.join(&drawing.name), &error))?;
    file.write_all(&contents)
        .map_err(|error| at(&path, &error))?;
    Ok(path)
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// A file of this name, or of one like it where there is one already: none is written over without being asked.
fn new_file(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let mut taken = None;
    for number in 1..=MOST_ALIKE {
        let path = match number {
            1 => folder.join(name),
            number => folder.join(format!("{stem}-{number}.{ending}")),
        };
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
}

#[cfg(target_os = "linux")]
mod system {
    use std::path::Path;
    use std::time::Duration;

    use zbus::blocking::connection::Builder;
    use zbus::zvariant::OwnedValue;

    /// A portal that has to be started first takes a moment.
    const PORTAL_LIMIT: Duration = Duration::from_secs(10);

    /// Whether there is anything that shows a dialog. `rfd` tries these two as well, and does not tell whether it found one.
    pub(super) fn has_dialogs() -> bool {
        portal_version().is_ok() || has_zenity()
    }

    /// A dialog that begins in this folder. `rfd` tells zenity the file's name alone, which for zenity may be a folder's.
    pub(super) fn beginning_in(folder: &Path) -> rfd::AsyncFileDialog {
        let dialog = rfd::AsyncFileDialog::new().set_directory(folder);
        if portal_version().is_ok() {
            return dialog;
        }
        dialog.set_file_name(format!("{}/", folder.display()))
    }

    /// The version of the desktop's own dialogs: an error where it has none.
    fn portal_version() -> zbus::Result<u32> {
        let bus = Builder::session()?.method_timeout(PORTAL_LIMIT).build()?;
        let reply = bus.call_method(
            Some("org.freedesktop.portal.Desktop"),
            "/org/freedesktop/portal/desktop",
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &("org.freedesktop.portal.FileChooser", "version"),
        )?;
        let version: OwnedValue = reply.body().deserialize()?;
        Ok(u32::try_from(version)?)
    }

    fn has_zenity() -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join("zenity").is_file())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;

    pub(super) fn beginning_in(folder: &Path) -> rfd::AsyncFileDialog {
        rfd::AsyncFileDialog::new().set_directory(folder)
    }

    /// These systems have their own.
    pub(super) const fn has_dialogs() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_takes_the_place_of_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for contents in ["first", "second", "third"] {
            let (path, mut file) = new_file(folder.path(), "shop-web-80.svg").unwrap();
            file.write_all(contents.as_bytes()).unwrap();
            names.push(path);
        }
        for (name, contents) in [
            ("shop-web-80.svg", "first"),
            ("shop-web-80-2.svg", "second"),
            ("shop-web-80-3.svg", "third"),
        ] {
            let path = folder.path().join(name);
            assert!(names.contains(&path), "{names:?}");
            assert_eq!(std::fs::read_to_string(path).unwrap(), contents);
        }
        let missing = new_file(&folder.path().join("gone"), "a.svg");
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
