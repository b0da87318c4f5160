//! The steps of an attempt as the runs that they were: they are kept in one row.

use super::{Run, Step};

/// Splits the steps, which are in the order in which they began. A run begins at an outermost step of another flow, or where the flow
/// begins anew.
pub(super) fn split(steps: Vec<Step>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for step in steps {
        let goes_on = runs.last().is_some_and(|run| step.record.depth > 0 || is_of(run, &step));
        if !goes_on {
            runs.push(Run { flow: step.record.flow.clone(), ..Run::default() });
        }
        if let Some(run) = runs.last_mut() {
            run.steps.push(step);
        }
    }
    runs
}

/// Whether an outermost step can be the next of the run: those of a flow come in the order of its lines.
fn is_of(run: &Run, step: &Step) -> bool {
    let outermost = run.steps.iter().rfind(|step| step.record.depth == 0);
    run.flow == step.record.flow && outermost.is_none_or(|last| last.record.line < step.record.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::StepRecord;

    #[test]
    fn another_flow_or_the_same_from_its_beginning_is_another_run() {
        let step = |flow: &str, depth, line| {
            let record = StepRecord { flow: flow.into(), depth, line, ..StepRecord::default() };
            Step { record, ..Step::default() }
        };
        let steps = vec![
            step("login", 0, 4),
            step("login", 0, 5),
            step("add", 0, 2),
            step("find", 1, 2),
            step("add", 0, 3),
            step("add", 0, 2),
        ];
        let runs: Vec<(String, usize)> =
            split(steps).into_iter().map(|run| (run.flow, run.steps.len())).collect();
        assert_eq!(runs, [("login".into(), 2), ("add".into(), 3), ("add".into(), 1)]);
    }
}
