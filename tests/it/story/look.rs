//! A person before a page: its size, its colours, their keys.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::devtools::DevTools;

/// The text that is hardest to read of all that is seen, with its contrast (WCAG 2.2, 1.4.3).
const WORST: &str = "(() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((part, index) => part * a + under[index] * (1 - a));
    const light = (colour) => colour.map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = (element) => {
        const own = element ? parts(getComputedStyle(element).backgroundColor) : [255, 255, 255];
        return own[3] === undefined || own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
    };
    let worst = { contrast: 21, text: '', seen: 0 };
    for (const element of document.body.querySelectorAll('*')) {
        const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('').trim();
        if (!text || !element.checkVisibility() || element.closest('noscript, script, :disabled, [aria-hidden]')) continue;
        const under = ground(element);
        const [a, b] = [light(over(parts(getComputedStyle(element).color), under)), light(under)];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        worst = { ...(contrast < worst.contrast ? { contrast, text } : worst), seen: worst.seen + 1 };
    }
    return worst;
})()";

/// A tab in which the page is open.
pub struct Look {
    tools: DevTools,
    url: String,
}

impl Look {
    pub fn open(profiles: &Path, file: &Path) -> Self {
        let mut tools = DevTools::tab(profiles);
        tools.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
        Self { tools, url: format!("file://{}", file.display()) }
    }

    /// Opens the page anew in a window of that size.
    pub fn at(&mut self, (width, height): (u32, u32), scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.tools.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.tools.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        self.load();
        // What is seen has been drawn.
        let seen = "[...document.images].filter((image) => image.checkVisibility())";
        self.evaluate(&format!("Promise.all({seen}.map((image) => image.decode())).then(() => true)"));
    }

    /// The same without scripts.
    pub fn without_scripts(&mut self) {
        self.tools.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        self.load();
    }

    fn load(&mut self) {
        // The same page again would only be scrolled.
        self.tools.load("about:blank");
        self.tools.load(&self.url);
    }

    pub fn evaluate(&mut self, expression: &str) -> Value {
        self.tools.evaluate(expression)
    }

    pub fn text(&mut self, selector: &str) -> String {
        let all = format!(
            "[...document.querySelectorAll({})].map((found) => found.innerText).join('\\n')",
            json!(selector)
        );
        self.evaluate(&all).as_str().unwrap().to_owned()
    }

    /// The number of the step that is shown, which is the one that the list says is current.
    pub fn current(&mut self) -> u64 {
        let shown = self.evaluate("Number(document.querySelector('.step.now').id.slice(5))");
        let listed = self.evaluate("Number(document.querySelector('.list [aria-current]').hash.slice(6))");
        assert_eq!(shown, listed);
        shown.as_u64().unwrap()
    }

    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            letter => u32::from(letter.to_uppercase().as_bytes()[0]),
        };
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            self.tools.call("Input.dispatchKeyEvent", event);
        }
    }

    pub fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const box = document.querySelector({}).getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let place = self.evaluate(&place);
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.tools.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Goes to what comes next for the keyboard, which must be seen to have it; gives its name.
    pub fn tab(&mut self) -> String {
        self.press("Tab");
        let outline = self.evaluate("getComputedStyle(document.activeElement).outlineStyle");
        assert_eq!(outline, "solid", "what has the focus is seen to");
        self.evaluate("document.activeElement.textContent").as_str().unwrap().to_owned()
    }

    pub fn assert_contrast(&mut self, at: &str) {
        let worst = self.evaluate(WORST);
        assert!(worst["seen"].as_u64().unwrap() > 20, "{at}: {worst}");
        assert!(worst["contrast"].as_f64().unwrap() >= 4.5, "{at}: {worst}");
    }

    /// The colour behind the document in the frame, which the page itself cannot see.
    pub fn ground_of_frame(&mut self) -> String {
        self.tools.call("DOM.enable", json!({}));
        self.tools.call("CSS.enable", json!({}));
        let page = self.tools.call("DOM.getDocument", json!({ "depth": -1, "pierce": true }));
        let body = body_of_frame(&page["root"], false).expect("a frame with a document");
        let style = self.tools.call("CSS.getComputedStyleForNode", json!({ "nodeId": body }));
        let styles = style["computedStyle"].as_array().unwrap();
        let ground = styles.iter().find(|style| style["name"] == "background-color").unwrap();
        ground["value"].as_str().unwrap().to_owned()
    }

    /// What the page asked a network for, or any file but its own, and its policy did not refuse.
    pub fn requests(&mut self) -> Vec<String> {
        // Answered after everything that was told before.
        self.evaluate("0");
        let told =
            |method: &'static str| self.tools.events.iter().filter(move |event| event["method"] == method);
        let refused = |id: &Value| {
            told("Network.loadingFailed")
                .any(|event| event["params"]["requestId"] == *id && event["params"]["blockedReason"] == "csp")
        };
        let asked = told("Network.requestWillBeSent").filter(|event| !refused(&event["params"]["requestId"]));
        let asked = asked.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned());
        asked.filter(|url| !url.starts_with("data:") && *url != self.url).collect()
    }

    /// What the browser and the page's script wrote on the console.
    pub fn complaints(&mut self) -> Vec<String> {
        self.evaluate("0");
        let told = ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"];
        let events = self.tools.events.iter();
        let events = events.filter(|event| told.iter().any(|method| event["method"] == *method));
        events.map(|event| event["params"].to_string()).collect()
    }
}

fn body_of_frame(node: &Value, is_within: bool) -> Option<u64> {
    if is_within && node["nodeName"] == "BODY" {
        return node["nodeId"].as_u64();
    }
    let below = node["children"].as_array().into_iter().flatten();
    let found = below.into_iter().find_map(|child| body_of_frame(child, is_within));
    found.or_else(|| body_of_frame(node.get("contentDocument")?, true))
}
