//! `goto`: opens a page.

use async_trait::async_trait;

use super::StepKind;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "goto",
    summary: "Opens a path under the app's address, or a URL, and waits until it answered.",
    example: "- goto: /orgs/{{ settings.org_id }}/members",
    schema: r#"{ "type": "string", "description": "A path such as /members, or a URL" }"#,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Goto {
    address: Template,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    Some(Box::new(Goto { address: compiler.template(written.value)? }))
}

#[async_trait]
impl Effect for Goto {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        Phrase::new("open", "opened", &teller.value(&self.address))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let address = stage.render(&self.address)?;
        if address.secret {
            return Err(Failure::of_connector("a secret cannot be part of an address", self.address.span()));
        }
        stage.open(&address.text).await?;
        Ok(Next::GoOn)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        visit(Use::Address, &self.address);
    }
}
