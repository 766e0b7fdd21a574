//! A text field's contents that the text field never gets to see.

use std::any::TypeId;
use std::ops::Range;

use egui::TextBuffer;
use egui::text::CharIndex;
use zeroize::{Zeroize as _, Zeroizing};

use crate::model::Secret;

/// What stands for a character.
const BULLET: char = '•';

/// Holds what is typed in memory that is wiped, and shows egui bullets only: egui keeps copies of a field's text for undo.
#[derive(Default)]
pub(super) struct SecretBuffer {
    secret: Zeroizing<String>,
    bullets: String,
}

impl std::fmt::Debug for SecretBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBuffer(…)")
    }
}

impl SecretBuffer {
    /// Whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.secret.is_empty()
    }

    /// What was typed; the buffer is empty afterwards.
    pub(super) fn take_secret(&mut self) -> Secret {
        self.bullets.clear();
        Secret::new(std::mem::take(&mut *self.secret))
    }

    fn byte_at(&self, index: usize) -> usize {
        let at = self.secret.char_indices().nth(index);
        at.map_or(self.secret.len(), |(byte, _)| byte)
    }

    /// Replaces these bytes. The new text gets memory of its own and the old is wiped: growing in place would leave a copy.
    fn splice(&mut self, bytes: Range<usize>, text: &str) {
        let mut spliced = String::with_capacity(self.secret.len() + text.len());
        spliced.push_str(&self.secret[..bytes.start]);
        spliced.push_str(text);
        spliced.push_str(&self.secret[bytes.end..]);
        self.secret.zeroize();
        self.secret = Zeroizing::new(spliced);
        self.bullets = self.secret.chars().map(|_| BULLET).collect();
    }
}

impl TextBuffer for SecretBuffer {
    fn is_mutable(&self) -> bool {
        true
    }

    fn as_str(&self) -> &str {
        &self.bullets
    }

    fn insert_text(&mut self, text: &str, char_index: CharIndex) -> usize {
        let at = self.byte_at(char_index.0);
        self.splice(at..at, text);
        text.chars().count()
    }

    fn delete_char_range(&mut self, char_range: Range<CharIndex>) {
        let start = self.byte_at(char_range.start.0);
        let end = self.byte_at(char_range.end.0);
        self.splice(start..end, "");
    }

    /// Undo and redo would put bullets where the secret was.
    fn replace_with(&mut self, _text: &str) {}

    fn type_id(&self) -> TypeId {
        TypeId::of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_kept_and_never_shown() {
        let mut buffer = SecretBuffer::default();
        assert_eq!(buffer.insert_text("pässword", CharIndex(0)), 8);
        buffer.delete_char_range(CharIndex(1)..CharIndex(2));
        buffer.insert_text("ä!", CharIndex(1));
        assert_eq!(buffer.as_str(), "•••••••••");
        buffer.replace_with("•••");
        assert!(!format!("{buffer:?}").contains("ssword"));
        assert_eq!(buffer.take_secret().expose(), "pä!ssword");
        assert!(buffer.is_empty() && buffer.as_str().is_empty());
    }
}
