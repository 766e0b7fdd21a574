//! Entries in memory, which can crash in the middle.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::error::VaultError;
use super::parts::Slots;

/// A keyring in a test's hand.
pub(super) struct Drawer {
    limit: usize,
    entries: RefCell<BTreeMap<String, Vec<u8>>>,
    /// How many more changes are made before everything fails.
    writes_left: Cell<usize>,
}

impl Drawer {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            entries: RefCell::default(),
            writes_left: Cell::new(usize::MAX),
        }
    }

    pub(super) fn crash_after(&self, writes: usize) {
        self.writes_left.set(writes);
    }

    pub(super) fn recover(&self) {
        self.writes_left.set(usize::MAX);
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.entries.borrow().keys().cloned().collect()
    }

    pub(super) fn longest(&self) -> usize {
        let entries = self.entries.borrow();
        entries.values().map(Vec::len).max().unwrap_or(0)
    }

    fn change(&self) -> Result<(), VaultError> {
        let left = self.writes_left.get();
        if left == 0 {
            return Err(VaultError::Failed("crashed".to_owned().into()));
        }
        self.writes_left.set(left - 1);
        Ok(())
    }
}

impl Slots for Drawer {
    fn limit(&self) -> usize {
        self.limit
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.entries.borrow().get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.change()?;
        self.entries
            .borrow_mut()
            .insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.change()?;
        self.entries.borrow_mut().remove(name);
        Ok(())
    }
}
