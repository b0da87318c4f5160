//! What went over the network, in short, from a recording's HAR.

use serde_json::Value;

use crate::clock::Timestamp;

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// When it was sent.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// What for: `document`, `fetch`, `image`.
    pub kind: String,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// The length of its body in bytes, where that is known.
    pub length: Option<u64>,
    /// Why none came.
    pub failed: Option<String>,
}

/// The exchanges of a HAR; none of what is none.
pub(super) fn of_har(har: &[u8]) -> Vec<Exchange> {
    let har: Value = serde_json::from_slice(har).unwrap_or_default();
    let entries = har["log"]["entries"].as_array().into_iter().flatten();
    entries.filter_map(exchange).collect()
}

fn exchange(entry: &Value) -> Option<Exchange> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (request, response) = (&entry["request"], &entry["response"]);
    let status = response["status"].as_u64().filter(|&status| status > 0);
    Some(Exchange {
        at: Timestamp::from_rfc3339(entry["startedDateTime"].as_str()?).ok()?,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "no negative, and `as` saturates"
        )]
        took_ms: entry["time"].as_f64().unwrap_or_default().round() as u64,
        method: text(&request["method"]),
        url: text(&request["url"]),
        kind: text(&entry["_resourceType"]),
        status: status.and_then(|status| u16::try_from(status).ok()),
        length: response["content"]["size"].as_u64(),
        failed: response["_error"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_what_is_no_har_has_none() {
        let har = r#"{"log":{"entries":[
            {"startedDateTime":"2026-11-20T03:12:00.250Z","time":12.6,"_resourceType":"fetch",
             "request":{"method":"POST","url":"http://desk/members"},"response":{"status":503,"content":{"size":7}}},
            {"startedDateTime":"2026-11-20T03:12:01Z","time":0,"_resourceType":"image",
             "request":{"method":"GET","url":"http://desk/a.png"},"response":{"status":0,"content":{},"_error":"net::ERR_FAILED"}},
            {"request":{}}]}}"#;
        let read = of_har(har.as_bytes());
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].took_ms, read[0].status, read[0].length), (13, Some(503), Some(7)));
        assert_eq!((read[1].status, read[1].failed.as_deref()), (None, Some("net::ERR_FAILED")));
        assert!(of_har(b"no").is_empty());
    }
}
