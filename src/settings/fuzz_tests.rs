//! The settings' file, spoiled.

use std::fs;

use proptest::prelude::*;

use super::{Loaded, Store};

const NAME: &str = "settings.toml";

const WORDS: &[&str] = &[
    "version = 1\n",
    "version = 2\n",
    "[window]\n",
    "[tunnels.\"a/b:1\"]\n",
    "up = true\n",
    "host = \"h\"\n",
    "local = { automatic = 1 }\n",
    "zoom_percent = 99999\n",
    "size = [1]\n",
    "favourites = 1\n",
    "= ",
    "\"\"\"",
    "'''",
    "[[",
    "]]",
    "{",
    "}",
    "nan",
    "1e400",
    "1979-05-27",
    "a.b.c = ",
];

proptest! {
    /// A spoiled file leads to settings. What makes sense in it outlasts the next writing; a file that makes none is kept beside
    /// as it was.
    #[test]
    fn fuzz_settings(text in crate::testing::spoiled(&["corpus/settings"], ".toml", &[WORDS])) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, &text).unwrap();
        let made_sense = Store::peek(folder.path()).is_ok();
        let Loaded { mut store, settings, notes } = Store::load(folder.path());
        if made_sense {
            prop_assert!(path.exists());
        } else {
            prop_assert!(!notes.is_empty());
            prop_assert_eq!(fs::read(folder.path().join(format!("{NAME}.set-aside-1"))).unwrap(), text);
        }
        store.save(&settings).unwrap();
        let again = Store::load(folder.path());
        prop_assert_eq!(again.settings, settings);
        // What was passed over was said the first time; what was written makes sense.
        prop_assert_eq!(again.notes, []);
    }
}
