//! Native dialogs that steps declare: which of them opened, and what is said of that.

use super::runner::Runner;
use crate::browser::DialogAnswer;
use crate::failure::FailureClass;
use crate::step::{At, Failure, Need, shorten};

/// An answer that waits for its dialog.
#[derive(Debug)]
pub(super) struct Declared {
    /// The step that declared it.
    at: At,
    need: Need,
}

impl Runner<'_> {
    /// Declares the answer to the next native dialog, for the step that is going on.
    pub(super) fn declare(&mut self, answer: DialogAnswer) {
        let Some(notes) = &self.notes else { return };
        self.declared.push_back(Declared { at: notes.at.clone(), need: notes.need });
        self.page.answer_next_dialog(answer);
    }

    /// The dialogs that were answered since the last call: `accepted the dialog “Sure?”`.
    pub(super) fn answered_dialogs(&mut self) -> Vec<String> {
        let answered = self.page.take_answered_dialogs();
        // They are used in the order in which they were declared.
        self.declared.drain(..answered.len().min(self.declared.len()));
        let words = answered.iter().map(|(dialog, accepted)| {
            let verb = if *accepted { "accepted" } else { "dismissed" };
            format!("{verb} the {} “{}”", dialog.kind, shorten(&dialog.message))
        });
        words.collect()
    }

    /// Every dialog that a step declared must have opened, but for those of optional steps.
    pub(super) fn all_dialogs_opened(&mut self) -> Result<(), Failure> {
        // The last step may have opened one after its end.
        self.answered_dialogs();
        self.page.take_back_answers();
        let Some(unused) = self.declared.drain(..).find(|declared| declared.need == Need::Required) else {
            return Ok(());
        };
        let mut failure =
            Failure::new(FailureClass::UiDrift, "no native dialog opened for this step to answer");
        failure.at = Some(unused.at);
        Err(failure)
    }

    /// Leaves nothing of this run behind in the page.
    pub(super) fn clear_up(&mut self) {
        self.page.take_back_answers();
        self.page.take_answered_dialogs();
        self.page.keep_windows(false);
    }
}
