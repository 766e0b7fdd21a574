//! Medians, ratios and ranges. Pure.

/// The value in the middle; between the two middle ones where there is an even number. None of none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[middle - 1], upper))
}

/// The smallest value that at least `share` (0 to 1) of the values do not exceed. None of none.
pub(crate) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let sorted = sorted(values);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank within a list; a share below zero counts as zero"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1)))
        .copied()
}

/// One program's figure against another's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// The median of the rounds' ratios.
    pub(crate) median: f64,
    /// The smallest of them.
    pub(crate) low: f64,
    /// The largest of them.
    pub(crate) high: f64,
}

/// Divides round by round, since a machine's slow minutes hit neighbours alike. Rounds in which one of both failed, or in which
/// there is nothing to divide by, do not count. None if no round counts.
pub(crate) fn ratio(of: &[Option<f64>], to: &[Option<f64>]) -> Option<Ratio> {
    let ratios: Vec<f64> = of
        .iter()
        .zip(to)
        .filter_map(|(of, to)| Some((*of)? / (*to)?))
        .filter(|ratio| ratio.is_finite())
        .collect();
    Some(Ratio {
        median: median(&ratios)?,
        low: ratios.iter().copied().reduce(f64::min)?,
        high: ratios.iter().copied().reduce(f64::max)?,
    })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}
