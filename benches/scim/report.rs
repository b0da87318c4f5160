//! The tables, in Markdown.

use std::fmt::Write;

use crate::load::Mode;

/// A server with so many users.
pub struct Measured {
    pub name: &'static str,
    pub users: usize,
    /// Requests per second and processor microseconds per request, of the median run.
    pub modes: Vec<(Mode, Run)>,
    /// The most that it ever held, in MiB.
    pub memory: f64,
}

/// Requests per second, processor microseconds per request.
type Run = (f64, f64);

pub fn tables(measured: &[Measured], sizes: &[usize]) -> String {
    let find = |name: &str, users: usize| measured.iter().find(|one| one.name == name && one.users == users);
    let of = |name: &str, users: usize, mode: Mode| {
        find(name, users)
            .and_then(|one| one.modes.iter().find(|(kind, _)| *kind == mode))
            .map(|(_, run)| *run)
    };
    let mut text =
        String::from("\nRequests per second (rps) and processor time per request (CPU), 8 connections\n\n");
    text += "| users | request | Usher rps | CPU µs | floor rps | CPU µs | Usher's rps to the floor's | scim2-server rps | CPU µs | Usher's CPU to scim2-server's | Usher's CPU to that with the fewest users |\n";
    text += "|---|---|---|---|---|---|---|---|---|---|---|\n";
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
    };
    for &users in sizes {
        for mode in Mode::ALL {
            let [usher, floor, peer] = ["usher", "floor", "scim2-server"].map(|name| of(name, users, mode));
            let fewest = sizes.iter().min().and_then(|fewest| of("usher", *fewest, mode));
            let rps = |run: Run| run.0;
            let cpu = |run: Run| run.1;
            let ratio =
                |one: Option<Run>, other: Option<Run>, pick: fn(Run) -> f64| Some(pick(one?) / pick(other?));
            let cells = [
                number(usher.map(rps), 0),
                number(usher.map(cpu), 0),
                number(floor.map(rps), 0),
                number(floor.map(cpu), 0),
                number(ratio(usher, floor, rps), 2),
                number(peer.map(rps), 0),
                number(peer.map(cpu), 0),
                number(ratio(usher, peer, cpu), 3),
                number(ratio(usher, fewest, cpu), 2),
            ];
            writeln!(text, "| {users} | {} | {} |", mode.words(), cells.join(" | ")).unwrap();
        }
    }
    text += "\nThe most memory that each ever held, in MiB, filling included\n\n";
    text += "| users | Usher | floor | scim2-server |\n|---|---|---|---|\n";
    for &users in sizes {
        let cells =
            ["usher", "floor", "scim2-server"].map(|name| number(find(name, users).map(|one| one.memory), 1));
        writeln!(text, "| {users} | {} |", cells.join(" | ")).unwrap();
    }
    text
}
