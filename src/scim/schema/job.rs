//! How far the app has followed: an extension of Usher's own, on users and on groups.

use super::Type::{DateTime, String};
use super::{Attribute, Returned, Schema, USHER_JOB};

pub(super) fn extension() -> Schema {
    let text = |name, description| Attribute::new(name, String, description);
    let attributes = vec![
        text("state", "The state of the job that carries the last change to the app").case_exact(),
        text("class", "The class of its failure").case_exact(),
        text("detail", "What failed and what cures it"),
        text("jobId", "The job").case_exact(),
        Attribute::new("verifiedAt", DateTime, "When the app was last read and agreed"),
    ];
    Schema {
        id: USHER_JOB,
        name: "UsherJob",
        description: "How far the app has followed",
        attributes: attributes
            .into_iter()
            .map(|attribute| Attribute { returned: Returned::Request, ..attribute.read_only() })
            .collect(),
    }
}
