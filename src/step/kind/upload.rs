//! `upload`: a file of the connector, given to the app.

use async_trait::async_trait;

use super::StepKind;
use crate::browser::Action;
use crate::diagnostic::Diagnostic;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "upload",
    summary: "Chooses a file of the connector's folder in a file control; `file` is its path there. The control may be hidden: its label or \
              what it is inside of will do.",
    example: "- upload: { into: field \"Photo\", file: files/nobody.png }",
    schema: r##"{ "type": "object", "required": ["into", "file"], "additionalProperties": false,
        "properties": { "into": { "$ref": "#/$defs/locator" }, "file": { "$ref": "#/$defs/value" } } }"##,
    beside: &[],
    may_commit: true,
    compile,
};

#[derive(Debug)]
struct Upload {
    into: Locator<Template>,
    file: Template,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["into", "file"], "`upload`")?;
    let into = compiler.required(&fields, "into").and_then(|node| compiler.locator(node));
    let node = compiler.required(&fields, "file");
    let file = node.and_then(|node| compiler.template(node));
    if let (Some(node), Some(path)) = (node, file.as_ref().and_then(Template::literal))
        && !is_inside(path)
    {
        let found = Diagnostic::error("file_outside", &node.span, "a file outside of the connector's folder");
        compiler.note(found.help("put it beside connector.yaml and say its path from there, without `..`"));
    }
    Some(Box::new(Upload { into: into?, file: file? }))
}

/// Whether a path stays in the folder that it begins in, links aside.
fn is_inside(path: &str) -> bool {
    use std::path::{Component, Path};
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.is_empty() && Path::new(path).components().all(plain)
}

#[async_trait]
impl Effect for Upload {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let rest = format!("{} into {}", teller.value(&self.file), teller.element(&self.into));
        Phrase::new("upload", "uploaded", &rest)
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let (target, path) = (stage.target(&self.into)?, stage.render(&self.file)?);
        if !is_inside(&path.text) {
            let message = "a file outside of the connector's folder";
            return Err(Failure::of_connector(message, self.file.span()));
        }
        let file = stage.file(&path.text)?;
        stage.act(&target, Action::Upload(file)).await?;
        Ok(Next::GoOn)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.into.for_each_text(&mut |text| visit(Use::Locator, text));
        visit(Use::Value, &self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_folder() {
        for (path, expected) in [
            ("a.png", true),
            ("files/a.png", true),
            ("./a", true),
            ("../a", false),
            ("files/../../a", false),
            ("/etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(is_inside(path), expected, "{path}");
        }
    }
}
