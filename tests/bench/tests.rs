//! The arithmetic and the table of `tests/bench`, without the measuring.

#![expect(
    dead_code,
    reason = "the bench uses more of these modules than their tests do"
)]

#[path = "program/figures.rs"]
mod figures;
#[path = "program/report.rs"]
mod report;
#[path = "program/stats.rs"]
mod stats;
