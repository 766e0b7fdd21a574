//! Tables in documents, between marks of their own.

/// Puts `table` between the marks `<!-- NAME:begin -->` and `<!-- NAME:end -->` of `document`. None if it has no such marks.
pub(crate) fn between_marks(document: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- {name}:begin -->"),
        format!("<!-- {name}:end -->"),
    );
    let (before, rest) = document.split_once(&begin)?;
    let (_old, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{table}{end}{after}"))
}
