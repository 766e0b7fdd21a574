//! What was found out about a service, in a person's language.

use super::Lang;
use crate::model::Finding;

/// A finding as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is the case.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl Lang {
    /// A finding in words.
    #[must_use]
    pub fn finding(self, finding: &Finding) -> Told {
        Told {
            what: self.say(&finding.message),
            next: self.say(&finding.hint),
        }
    }
}
