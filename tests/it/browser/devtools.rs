//! A second connection to Chromium, for what the driver does not ask: Chromium's own accessibility tree.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// One tab, as developer tools see it.
pub struct DevTools {
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    calls: u64,
    /// What the tab told by itself, as far as it was asked to.
    pub events: Vec<Value>,
}

/// An element that assistive technology is told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub mark: String,
    pub role: String,
    pub name: String,
    /// Whether a style shows its text in other letters than the document has.
    pub recased: bool,
}

/// Marks an element. Answers with nothing where it is none of the author's: a text, a part of a browser's own control, or one without
/// name and area.
const PUT: &str = "function(mark, name) {
    const own = ['input', 'select', 'textarea', 'details', 'progress', 'meter'];
    if (this.nodeType !== 1 || own.includes(this.getRootNode().host?.localName)) return null;
    const { width, height } = this.getBoundingClientRect();
    if (!name && width * height === 0) return null;
    const elements = [this, ...this.querySelectorAll('*')];
    this.setAttribute('data-told', mark);
    return { recased: elements.some((element) => getComputedStyle(element).textTransform !== 'none') };
}";

/// The attribute in which [`DevTools::tree`] leaves its mark.
pub const MARK: &str = "data-told";

/// Where the browser takes orders whose profile is the only one in `profiles`.
fn address(profiles: &Path) -> String {
    let profile = std::fs::read_dir(profiles).unwrap().next().unwrap().unwrap().path();
    let told = std::fs::read_to_string(profile.join("DevToolsActivePort")).unwrap();
    let (port, path) = told.trim().split_once('\n').unwrap();
    format!("ws://127.0.0.1:{port}{path}")
}

impl DevTools {
    /// Attaches to the tab with that address, in the browser whose profile is the only one in `profiles`.
    pub fn attach(profiles: &Path, url: &str) -> Self {
        let mut tools = Self::attach_at(&address(profiles), url);
        tools.call("Accessibility.enable", json!({}));
        tools
    }

    /// A new tab of that browser, in which everything is told that goes over its network and is written on its console.
    pub fn tab(profiles: &Path) -> Self {
        let mut tools = Self::connect(&address(profiles));
        let made = tools.call("Target.createTarget", json!({ "url": "about:blank" }));
        let to = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = tools.call("Target.attachToTarget", to);
        tools.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tools.call(&format!("{domain}.enable"), json!({}));
        }
        tools
    }

    /// Opens an address, and returns when it has loaded.
    pub fn load(&mut self, url: &str) {
        let loaded = |tools: &Self| {
            tools.events.iter().filter(|event| event["method"] == "Page.loadEventFired").count()
        };
        let before = loaded(self);
        self.call("Page.navigate", json!({ "url": url }));
        while loaded(self) == before {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            self.events.push(serde_json::from_str(&text).unwrap());
        }
    }

    /// What a script of the page gives, waited for.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut given = self.call("Runtime.evaluate", params);
        assert!(given.get("exceptionDetails").is_none(), "{given}");
        given["result"]["value"].take()
    }

    /// Connects to the browser that takes orders at that address.
    pub fn connect(address: &str) -> Self {
        let host = address.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (socket, _) = tungstenite::client(address, stream).unwrap();
        Self { socket, session: None, calls: 0, events: Vec::new() }
    }

    /// Attaches to the tab with that address in it.
    pub fn attach_at(address: &str, url: &str) -> Self {
        let mut tools = Self::connect(address);
        let targets = tools.call("Target.getTargets", json!({}));
        let tab = targets["targetInfos"].as_array().unwrap().iter().find(|target| target["url"] == url);
        let id = tab.unwrap_or_else(|| panic!("no tab at {url}"))["targetId"].clone();
        let attached = tools.call("Target.attachToTarget", json!({ "targetId": id, "flatten": true }));
        tools.session = attached["sessionId"].as_str().map(str::to_owned);
        tools
    }

    /// Asks the tab, or the browser where none is attached to.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.calls {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// The elements of the main frame that Chromium tells assistive technology of, each marked in the page with [`MARK`].
    pub fn tree(&mut self) -> Vec<Told> {
        let tree = self.call("Accessibility.getFullAXTree", json!({}));
        let mut told = BTreeMap::new();
        for node in tree["nodes"].as_array().unwrap() {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            let text = |key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
            let (Some(id), false) = (node["backendDOMNodeId"].as_u64(), node["ignored"] == true) else {
                continue;
            };
            let name = text("name");
            if let Some(recased) = self.mark(id, &name) {
                let one = Told { mark: id.to_string(), role: role.to_owned(), name, recased };
                told.entry(id).or_insert(one);
            }
        }
        told.into_values().collect()
    }

    fn mark(&mut self, id: u64, name: &str) -> Option<bool> {
        let node = self.call("DOM.resolveNode", json!({ "backendNodeId": id }));
        let params = json!({ "objectId": node["object"]["objectId"], "functionDeclaration": PUT,
            "arguments": [{ "value": id.to_string() }, { "value": name }], "returnByValue": true });
        self.call("Runtime.callFunctionOn", params)["result"]["value"]["recased"].as_bool()
    }
}
