//! The arithmetic and the table of `tests/bench`, without the measuring. They stand here since the bench itself is no test.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it finds what it does not expect"
)]

#[path = "program/figures.rs"]
mod figures;
#[path = "marks.rs"]
mod marks;
#[path = "program/report.rs"]
mod report;
#[path = "program/stats.rs"]
mod stats;

mod stats_tests {
    use crate::stats::{Ratio, median, quantile, ratio};

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for (share, value) in [
            (0.0, 1.0),
            (0.5, 50.0),
            (0.99, 99.0),
            (0.991, 100.0),
            (1.0, 100.0),
        ] {
            assert_eq!(quantile(&hundred, share), Some(value), "{share}");
        }
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine halves its speed after the first round: the ratio of each round is what counts.
        let adit = [Some(200.0), Some(90.0), Some(110.0)];
        let ssh = [Some(100.0), Some(50.0), Some(50.0)];
        let expected = Ratio {
            median: 2.0,
            low: 1.8,
            high: 2.2,
        };
        assert_eq!(ratio(&adit, &ssh), Some(expected));
    }

    #[test]
    fn failed_rounds_do_not_count() {
        let adit = [None, Some(3.0), Some(5.0)];
        let ssh = [Some(1.0), Some(1.0), Some(0.0)];
        let only = Ratio {
            median: 3.0,
            low: 3.0,
            high: 3.0,
        };
        assert_eq!(ratio(&adit, &ssh), Some(only));
        assert_eq!(ratio(&[None], &[Some(1.0)]), None);
    }
}

mod figures_tests {
    use crate::figures::{Better, FIGURES, Unit};

    #[test]
    fn numbers_are_written_for_people() {
        for (unit, value, text) in [
            (Unit::BytesPerSecond, 512_345_678.0, "512 MB/s"),
            (Unit::SecondsPerGigabyte, 0.4567, "0.46 s/GB"),
            (Unit::PerSecond, 12_345.6, "12346 /s"),
            (Unit::Bytes, 8.25 * 1024.0 * 1024.0, "8.25 MiB"),
            (Unit::Seconds, 0.000_042_5, "42.5 µs"),
            (Unit::Seconds, 0.0205, "20.5 ms"),
            (Unit::Seconds, 1.5, "1.50 s"),
            (Unit::Share, 0.981, "0.98"),
        ] {
            assert_eq!(unit.write(value), text);
        }
    }

    #[test]
    fn names_are_unique_and_goals_lie_beyond_what_must_be() {
        for (index, figure) in FIGURES.iter().enumerate() {
            let again = FIGURES[..index].iter().any(|other| other.id == figure.id);
            assert!(!again, "{} is there twice", figure.id);
            let Some(aim) = figure.aim else { continue };
            let beyond = match figure.better {
                Better::More => aim.goal > aim.must,
                Better::Less => aim.goal < aim.must,
            };
            assert!(beyond, "{}", figure.id);
        }
    }
}

mod report_tests {
    use serde_json::json;

    use crate::marks::between_marks;
    use crate::report::Report;

    fn report(figure: &'static str, rounds: &[[Option<f64>; 2]]) -> Report {
        let mut report = Report {
            facts: vec![("date", "2026-01-02".to_owned())],
            peers: vec!["adit".to_owned(), "ssh".to_owned()],
            ..Report::default()
        };
        for round in rounds {
            report.add(figure, round.to_vec());
        }
        report
    }

    fn row(report: &Report) -> String {
        report.markdown().lines().last().unwrap().to_owned()
    }

    #[test]
    fn a_row_has_medians_the_ratio_its_range_and_the_verdict() {
        let rounds = [
            [Some(300e6), Some(200e6)],
            [Some(170e6), Some(100e6)],
            [Some(400e6), Some(200e6)],
        ];
        assert_eq!(
            row(&report("down", &rounds)),
            "| one stream down | 200 MB/s | 300 MB/s | 1.70 | 1.50 … 2.00 | 1.00 | 1.60 | goal |"
        );
    }

    #[test]
    fn less_is_better_where_it_is() {
        for (adit, word) in [(0.5, "goal"), (0.75, "must"), (0.81, "**missed**")] {
            let row = row(&report("down-cpu", &[[Some(adit), Some(1.0)]]));
            assert!(row.ends_with(&format!("| 0.80 | 0.50 | {word} |")), "{row}");
        }
    }

    #[test]
    fn an_aim_of_its_own_looks_at_adit_alone() {
        const MIB: f64 = 1024.0 * 1024.0;
        let row = row(&report(
            "idle-memory",
            &[[Some(10.0 * MIB), Some(40.0 * MIB)]],
        ));
        assert!(
            row.ends_with("| 0.25 | 0.25 … 0.25 | 12.0 MiB (own) | 8.00 MiB (own) | must |"),
            "{row}"
        );
    }

    #[test]
    fn a_failed_round_shows_and_is_no_number() {
        let mut report = report("up", &[[None, Some(1e6)]]);
        report.errors.push("up: adit: it ended".to_owned());
        let text = report.markdown();
        assert!(
            text.contains("| one stream up | 1.00 MB/s | – | – | – | 1.25 | 2.00 |  |"),
            "{text}"
        );
        assert!(
            text.ends_with("\nFailed:\n\n- up: adit: it ended\n"),
            "{text}"
        );
        let json = report.json();
        assert_eq!(
            json["figures"][0]["peers"]["adit"]["samples"],
            json!([null])
        );
        assert_eq!(json["errors"][0], "up: adit: it ended");
    }

    #[test]
    fn every_line_of_the_table_has_as_many_cells_as_its_head() {
        let mut report = report("down", &[]);
        report.peers.push("ssh-gcm".to_owned());
        report.add("down", vec![Some(2e6), Some(1e6), Some(3e6)]);
        let text = report.markdown();
        let cells: Vec<usize> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(cells, [11, 11, 11]);
        assert!(
            row(&report).ends_with("| goal | 3.00 MB/s | 3.00 |"),
            "{text}"
        );
    }

    #[test]
    fn the_table_replaces_only_what_is_between_the_marks() {
        let (begin, end) = ("<!-- bench:begin -->", "<!-- bench:end -->");
        let document = format!("before\n{begin}\nold\n{end}\nafter\n");
        let new = format!("before\n{begin}\nnew\n{end}\nafter\n");
        assert_eq!(between_marks(&document, "bench", "new\n"), Some(new));
        assert_eq!(between_marks(&document, "cluster", "new\n"), None);
    }
}
