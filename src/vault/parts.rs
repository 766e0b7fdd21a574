//! Records of any length in entries of a limited one: Windows keeps 2,560 bytes in an entry.
//!
//! A long record's entry holds only how many parts there are and which generation of them counts. The parts are written
//! first, under names of a new generation, then the entry, then the old parts are removed: whenever that is cut short, the
//! entry leads to one whole record, the old or the new one.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::VaultError;
use crate::model::{Words, words};

/// More than this is no record of a host.
const MAX_BYTES: usize = 64 << 10;

/// No record has more parts than this: entries of 64 bytes would do.
const MAX_PARTS: usize = MAX_BYTES / 64;

/// Entries of a keyring, by name.
pub(super) trait Slots {
    /// The longest value an entry can have.
    fn limit(&self) -> usize;
    /// The value of an entry, or none where there is no such entry.
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    /// Writes an entry.
    fn set(&self, name: &str, value: &[u8]) -> Result<(), VaultError>;
    /// Removes an entry; one that is not there is no error.
    fn delete(&self, name: &str) -> Result<(), VaultError>;
}

/// What stands in the entry of a record that is kept in parts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    parts: usize,
    generation: u64,
}

impl Head {
    /// None where it is no head, or none that Adit has written: a damaged number would be counted up to for ever.
    fn of(value: &[u8]) -> Option<Self> {
        let head: Self = serde_json::from_slice(value).ok()?;
        (head.parts <= MAX_PARTS).then_some(head)
    }

    fn names(&self, name: &str) -> impl Iterator<Item = String> {
        let (name, generation) = (name.to_owned(), self.generation);
        (0..self.parts).map(move |part| format!("{name}~{generation}.{part}"))
    }
}

/// Reads a record; `what` is its name in words.
pub(super) fn read(
    slots: &dyn Slots,
    name: &str,
    what: &Words,
) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(value) = slots.get(name)? else {
        return Ok(None);
    };
    let Some(head) = Head::of(&value) else {
        return Ok(Some(value));
    };
    let mut whole = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    for part in head.names(name) {
        match slots.get(&part)? {
            Some(bytes) if whole.len() + bytes.len() <= MAX_BYTES => whole.extend(&*bytes),
            _ => {
                return Err(VaultError::Damaged {
                    what: what.clone(),
                    problem: words!("parts of it are missing"),
                });
            }
        }
    }
    Ok(Some(whole))
}

/// Writes a record.
pub(super) fn write(
    slots: &dyn Slots,
    name: &str,
    value: &[u8],
    what: &Words,
) -> Result<(), VaultError> {
    if value.len() > MAX_BYTES {
        return Err(VaultError::TooLong {
            what: what.clone(),
            bytes: value.len(),
            limit: MAX_BYTES,
        });
    }
    let old = slots.get(name)?.and_then(|value| Head::of(&value));
    if value.len() <= slots.limit() {
        slots.set(name, value)?;
    } else {
        let head = Head {
            parts: value.len().div_ceil(slots.limit()),
            generation: old.as_ref().map_or(1, |old| old.generation.wrapping_add(1)),
        };
        for (part, bytes) in head.names(name).zip(value.chunks(slots.limit())) {
            slots.set(&part, bytes)?;
        }
        let head = serde_json::to_vec(&head)
            .map_err(|error| VaultError::Failed(error.to_string().into()))?;
        slots.set(name, &head)?;
    }
    remove_parts(slots, name, old.as_ref())
}

/// Removes a record and its parts.
pub(super) fn remove(slots: &dyn Slots, name: &str) -> Result<(), VaultError> {
    let old = slots.get(name)?.and_then(|value| Head::of(&value));
    slots.delete(name)?;
    remove_parts(slots, name, old.as_ref())
}

fn remove_parts(slots: &dyn Slots, name: &str, head: Option<&Head>) -> Result<(), VaultError> {
    let mut names = head.into_iter().flat_map(|head| head.names(name));
    names.try_for_each(|part| slots.delete(&part))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Drawer;
    use super::*;

    const NAME: &str = "host:x";

    fn text(letter: char, length: usize) -> Vec<u8> {
        letter.to_string().repeat(length).into_bytes()
    }

    fn kept(drawer: &Drawer) -> Option<Vec<u8>> {
        read(drawer, NAME, &Words::quoted("x"))
            .unwrap()
            .map(|bytes| bytes.to_vec())
    }

    #[test]
    fn a_long_record_is_kept_in_parts_that_come_and_go_with_it() {
        let drawer = Drawer::with_limit(2560);
        for length in [2560, 2561, 9000, 100, 60_000] {
            write(&drawer, NAME, &text('a', length), &Words::quoted("x")).unwrap();
            assert_eq!(kept(&drawer), Some(text('a', length)));
            assert!(drawer.longest() <= 2560);
            let entries = if length <= 2560 {
                1
            } else {
                1 + length.div_ceil(2560)
            };
            assert_eq!(
                drawer.names().len(),
                entries,
                "{length}: {:?}",
                drawer.names()
            );
        }
        remove(&drawer, NAME).unwrap();
        assert_eq!(drawer.names().len(), 0);
    }

    #[test]
    fn what_is_cut_short_leaves_the_old_record_or_the_new_one() {
        for (old, new) in [(9000, 7000), (100, 7000), (7000, 100), (100, 200)] {
            let mut has_finished = false;
            for writes in 0.. {
                let drawer = Drawer::with_limit(2560);
                write(&drawer, NAME, &text('o', old), &Words::quoted("x")).unwrap();
                drawer.crash_after(writes);
                has_finished |= write(&drawer, NAME, &text('n', new), &Words::quoted("x")).is_ok();
                drawer.recover();
                let kept_now = kept(&drawer).unwrap();
                assert!(
                    kept_now == text('o', old) || kept_now == text('n', new),
                    "after {writes} writes"
                );
                // And the next one makes good.
                write(&drawer, NAME, &text('z', new), &Words::quoted("x")).unwrap();
                assert_eq!(kept(&drawer), Some(text('z', new)));
                if has_finished {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_record_beyond_all_measure_is_refused() {
        let drawer = Drawer::with_limit(2560);
        let error = write(
            &drawer,
            NAME,
            &text('a', MAX_BYTES + 1),
            &Words::quoted("the host x"),
        )
        .unwrap_err();
        assert!(matches!(error, VaultError::TooLong { .. }), "{error}");
        assert_eq!(drawer.names().len(), 0);
    }

    #[test]
    fn a_missing_part_is_damage() {
        let drawer = Drawer::with_limit(2560);
        write(&drawer, NAME, &text('a', 6000), &Words::quoted("x")).unwrap();
        drawer.delete("host:x~1.1").unwrap();
        assert!(matches!(
            read(&drawer, NAME, &Words::quoted("x")),
            Err(VaultError::Damaged { .. })
        ));
    }
}
