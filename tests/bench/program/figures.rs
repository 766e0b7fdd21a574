//! What is measured, in which unit, and what is wanted. Pure.

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Its name in JSON.
    pub(crate) id: &'static str,
    /// What it is, in words.
    pub(crate) title: &'static str,
    /// What its numbers are.
    pub(crate) unit: Unit,
    /// Which direction is the good one.
    pub(crate) better: Better,
    /// What is wanted, where something is.
    pub(crate) aim: Option<Aim>,
}

/// What a number means; how it is written follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    BytesPerSecond,
    /// Of a CPU, for each 10⁹ bytes.
    SecondsPerGigabyte,
    PerSecond,
    Bytes,
    Seconds,
    /// Of a whole: 0 to 1.
    Share,
}

/// Which direction is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// What is wanted of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Aim {
    /// What is compared with `must` and `goal`.
    pub(crate) of: Of,
    /// What has to be reached.
    pub(crate) must: f64,
    /// What is hoped for.
    pub(crate) goal: f64,
}

/// What is compared with an aim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Adit's figure divided by ssh's.
    Ratio,
    /// Adit's figure by itself.
    Own,
}

impl Unit {
    /// The number as the table has it.
    pub(crate) fn write(self, value: f64) -> String {
        const MIB: f64 = 1024.0 * 1024.0;
        match self {
            Self::BytesPerSecond => format!("{} MB/s", digits(value / 1e6)),
            Self::SecondsPerGigabyte => format!("{} s/GB", digits(value)),
            Self::PerSecond => format!("{} /s", digits(value)),
            Self::Bytes => format!("{} MiB", digits(value / MIB)),
            Self::Seconds if value < 1e-3 => format!("{} µs", digits(value * 1e6)),
            Self::Seconds if value < 1.0 => format!("{} ms", digits(value * 1e3)),
            Self::Seconds => format!("{} s", digits(value)),
            Self::Share => digits(value),
        }
    }

    /// Its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BytesPerSecond => "bytes/s",
            Self::SecondsPerGigabyte => "s/GB",
            Self::PerSecond => "1/s",
            Self::Bytes => "bytes",
            Self::Seconds => "s",
            Self::Share => "share",
        }
    }
}

/// About three digits that count.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

const fn ratio(must: f64, goal: f64) -> Aim {
    Aim {
        of: Of::Ratio,
        must,
        goal,
    }
}

const fn own(must: f64, goal: f64) -> Aim {
    Aim {
        of: Of::Own,
        must,
        goal,
    }
}

const fn figure(
    id: &'static str,
    title: &'static str,
    unit: Unit,
    better: Better,
    aim: Option<Aim>,
) -> Figure {
    Figure {
        id,
        title,
        unit,
        better,
        aim,
    }
}

const MIB: f64 = 1024.0 * 1024.0;

/// Every line, in the table's order.
#[rustfmt::skip]
pub(crate) const FIGURES: &[Figure] = &[
    figure("down", "one stream down", Unit::BytesPerSecond, Better::More, Some(ratio(1.0, 1.6))),
    figure("up", "one stream up", Unit::BytesPerSecond, Better::More, Some(ratio(1.25, 2.0))),
    figure("down-cpu", "CPU seconds a GB, down", Unit::SecondsPerGigabyte, Better::Less, Some(ratio(0.8, 0.5))),
    figure("up-cpu", "CPU seconds a GB, up", Unit::SecondsPerGigabyte, Better::Less, Some(ratio(0.8, 0.5))),
    figure("down8", "8 streams down", Unit::BytesPerSecond, Better::More, Some(ratio(1.3, 2.3))),
    figure("up8", "8 streams up", Unit::BytesPerSecond, Better::More, Some(ratio(1.4, 2.1))),
    figure("http", "HTTP keep-alive c=32, requests", Unit::PerSecond, Better::More, Some(ratio(1.25, 1.6))),
    figure("http-cpu", "… CPU a request", Unit::Seconds, Better::Less, None),
    figure("connect", "new connections c=8", Unit::PerSecond, Better::More, Some(ratio(1.0, 1.2))),
    figure("idle-memory", "1,000 idle connections: resident memory they add", Unit::Bytes, Better::Less, Some(own(12.0 * MIB, 8.0 * MIB))),
    figure("idle-cpu", "… CPU a request beside them", Unit::Seconds, Better::Less, Some(ratio(0.15, 0.07))),
    figure("stalled", "busy stream beside 100 stalled readers: share of its speed alone", Unit::Share, Better::More, Some(own(0.65, 0.9))),
    figure("stalled-memory", "… resident memory they add", Unit::Bytes, Better::Less, None),
    figure("neighbour", "busy stream beside a stalled reader of another tunnel: share of its speed alone", Unit::Share, Better::More, Some(own(0.9, 0.95))),
    figure("neighbour-memory", "… resident memory it adds", Unit::Bytes, Better::Less, None),
    figure("start", "start to first byte", Unit::Seconds, Better::Less, Some(ratio(0.5, 0.33))),
    figure("far-down", "100 ms RTT, one stream down, default server", Unit::BytesPerSecond, Better::More, Some(ratio(1.3, 1.4))),
    figure("far-down-tuned", "100 ms RTT, one stream down, tuned server", Unit::BytesPerSecond, Better::More, Some(ratio(5.0, 6.0))),
    figure("far-down8", "100 ms RTT, 8 streams down", Unit::BytesPerSecond, Better::More, Some(ratio(3.0, 3.8))),
    figure("far-up8", "100 ms RTT, 8 streams up", Unit::BytesPerSecond, Better::More, Some(ratio(2.5, 3.2))),
    figure("near-http", "20 ms RTT, keep-alive c=32, p50", Unit::Seconds, Better::Less, Some(ratio(0.6, 0.5))),
    figure("near-http-p99", "20 ms RTT, keep-alive c=32, p99", Unit::Seconds, Better::Less, None),
    figure("near-small", "20 ms RTT, keep-alive c=8, answers of 64 bytes, p50", Unit::Seconds, Better::Less, None),
    figure("near-connect", "20 ms RTT, new connections c=8, p50", Unit::Seconds, Better::Less, Some(ratio(0.6, 0.3))),
];
