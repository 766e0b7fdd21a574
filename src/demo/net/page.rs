//! The web page of the demo's applications: which service, pod and node answered.

use std::fmt::Write as _;

use super::route::Place;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f4f6f8;--card:#fff;--ink:#18212b;--dim:#5d6b79;--line:#dde3e9;--mark:#0b7a5b;--soft:#e3f4ee}
@media(prefers-color-scheme:dark){:root{--bg:#11161b;--card:#1a2129;--ink:#e8edf2;--dim:#93a1af;--line:#2b3540;--mark:#4fd0a5;--soft:#16332b}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--bg);
color:var(--ink);font:16px/1.5 system-ui,sans-serif}main{width:100%;max-width:620px;background:var(--card);
border:1px solid var(--line);border-radius:14px;padding:32px}.tag{display:inline-block;padding:2px 10px;border-radius:99px;
background:var(--soft);color:var(--mark);font-size:13px;font-weight:600}h1{margin:14px 0 4px;font-size:28px;
overflow-wrap:anywhere}p{margin:0 0 24px;color:var(--dim)}dl{margin:0;display:grid;grid-template-columns:max-content 1fr}
dt,dd{padding:9px 0;border-top:1px solid var(--line)}dt{color:var(--dim);padding-right:28px}dd{margin:0;
font-family:ui-monospace,monospace;font-size:14px;overflow-wrap:anywhere}";

/// The page for one request.
pub(super) fn render(place: &Place, path: &str) -> String {
    let title = place.service.as_deref().unwrap_or(&place.pod);
    let lead = if place.service.is_some() {
        "The service answered through one of its pods. Reload the page in a new connection and another one may."
    } else {
        "The pod answered by itself, at its own address."
    };
    let port = place.port.to_string();
    let mut rows = String::new();
    for (name, value) in [
        ("Service", place.service.as_deref().unwrap_or("none")),
        ("Pod", &place.pod),
        ("Namespace", &place.namespace),
        ("Node", &place.node),
        ("Pod IP", &place.ip),
        ("Container port", &port),
        ("Dialled", &place.dialled),
        ("Path", path),
    ] {
        // Writing to a String does not fail.
        let _ok = write!(rows, "<dt>{name}</dt><dd>{}</dd>", escape(value));
    }
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main><span class=\"tag\">it works</span><h1>{title}</h1><p>{lead}</p>\
         <dl>{rows}</dl></main></body></html>\n"
    )
}

/// Text made safe within HTML.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_who_answered_and_keeps_markup_out() {
        let place = Place {
            service: Some("default/ui".to_owned()),
            pod: "ui-7db9cd898d-cr5bt".to_owned(),
            ..Place::default()
        };
        let page = render(&place, "/<script>\"&");
        assert!(page.contains("<h1>default/ui</h1>"));
        assert!(page.contains("<dd>ui-7db9cd898d-cr5bt</dd>"));
        assert!(page.contains("/&lt;script&gt;&quot;&amp;"));
        assert!(!page.contains("<script>"));
    }
}
