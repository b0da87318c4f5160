//! The tables, in Markdown.

use std::fmt::Write;

/// One flow.
pub struct Measured {
    pub ms: f64,
    /// Of the driver's whole process tree, Chromium included.
    pub cpu_ms: f64,
}

/// A case of the first table.
pub struct Row {
    name: &'static str,
    pub flows: Vec<Measured>,
}

impl Row {
    pub fn new(name: &'static str) -> Self {
        Self { name, flows: Vec::new() }
    }

    fn ms(&self) -> Vec<f64> {
        sorted(self.flows.iter().map(|flow| flow.ms))
    }

    fn cpu(&self) -> Vec<f64> {
        sorted(self.flows.iter().map(|flow| flow.cpu_ms))
    }
}

/// Driver, sessions, flows per minute.
pub type Rate = (&'static str, usize, f64);
/// Driver, MiB with a browser and no session, MiB of each further session.
pub type Held = (&'static str, f64, f64);

/// What evidence costs, as ratios to the first row.
pub fn evidence(rows: &[Row], rounds: usize) -> String {
    let mut text = String::new();
    writeln!(text, "\nOne flow, {rounds} rounds in turn, a fresh context each\n").unwrap();
    writeln!(text, "| | median ms | 95 % ms | CPU ms | of the first | CPU |").unwrap();
    writeln!(text, "|---|---|---|---|---|---|").unwrap();
    let first = rows.first().expect("a row");
    for row in rows {
        let (ms, cpu) = (row.ms(), row.cpu());
        let of = |mine: &[f64], other: &[f64]| at(mine, 0.5) / at(other, 0.5);
        writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} |",
            row.name,
            at(&ms, 0.5),
            at(&ms, 0.95),
            at(&cpu, 0.5),
            of(&ms, &first.ms()),
            of(&cpu, &first.cpu())
        )
        .unwrap();
    }
    text
}

pub fn tables(rows: &[Row], rates: &[Rate], held: &[Held], rounds: usize) -> String {
    let mut text = String::new();
    let find = |name: &str| rows.iter().find(|row| row.name == name).expect("a case");
    let (plain, traced) = (find("Playwright"), find("Playwright, tracing"));
    writeln!(text, "\nOne flow, {rounds} rounds in turn, a fresh context each\n").unwrap();
    writeln!(
        text,
        "| driver | median ms | 95 % ms | CPU ms | of Playwright | CPU | of Playwright with tracing | CPU |"
    )
    .unwrap();
    writeln!(text, "|---|---|---|---|---|---|---|---|").unwrap();
    for row in rows {
        let (ms, cpu) = (row.ms(), row.cpu());
        let against = |other: &Row| {
            format!(
                "{:.2} | {:.2}",
                at(&ms, 0.5) / at(&other.ms(), 0.5),
                at(&cpu, 0.5) / at(&other.cpu(), 0.5)
            )
        };
        writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} | {} | {} |",
            row.name,
            at(&ms, 0.5),
            at(&ms, 0.95),
            at(&cpu, 0.5),
            against(plain),
            against(traced)
        )
        .unwrap();
    }
    writeln!(text, "\nFlows per minute, without pictures\n").unwrap();
    writeln!(text, "| sessions | Usher | Playwright | Puppeteer | Usher to Playwright |").unwrap();
    writeln!(text, "|---|---|---|---|---|").unwrap();
    for &(_, sessions, _) in rates.iter().filter(|(driver, ..)| *driver == "usher") {
        let rate = |name: &str| {
            rates.iter().find(|(driver, n, _)| *driver == name && *n == sessions).expect("a rate").2
        };
        let (usher, playwright, puppeteer) = (rate("usher"), rate("playwright"), rate("puppeteer"));
        writeln!(
            text,
            "| {sessions} | {usher:.0} | {playwright:.0} | {puppeteer:.0} | {:.2} |",
            usher / playwright
        )
        .unwrap();
    }
    writeln!(text, "\nMemory in MiB, shared memory in proportion, Chromium included\n").unwrap();
    writeln!(text, "| driver | before any session | each further session, signed in |").unwrap();
    writeln!(text, "|---|---|---|").unwrap();
    for (driver, before, each) in held {
        writeln!(text, "| {driver} | {before:.0} | {each:.1} |").unwrap();
    }
    text
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value that the given share is not above.
fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
