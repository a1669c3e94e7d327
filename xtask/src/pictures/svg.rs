//! A picture of boxes, lines and texts that brings its own background, and is light or dark as the
//! reader's page is.

use std::fmt::Write;

/// A colour on a light page, and on a dark one.
type Colour = [&'static str; 2];

pub(super) const PAGE: Colour = ["#ffffff", "#0d1117"];
const BOX: Colour = ["#f6f8fa", "#161b22"];
pub(super) const EDGE: Colour = ["#d1d9e0", "#3d444d"];
pub(super) const INK: Colour = ["#1f2328", "#e6edf3"];
const FAINT: Colour = ["#59636e", "#9198a1"];
pub(super) const GOOD: Colour = ["#1a7f37", "#3fb950"];
pub(super) const BAD: Colour = ["#cf222e", "#ff7b72"];
const BLUE: Colour = ["#0969da", "#4493f8"];
const PURPLE: Colour = ["#8250df", "#ab7df8"];

const RULES: [(&str, &str, Colour); 13] = [
    ("text", "fill", INK),
    (".small", "fill", FAINT),
    (".page", "fill", PAGE),
    (".page", "stroke", EDGE),
    (".box", "fill", BOX),
    (".box", "stroke", EDGE),
    (".good", "fill", GOOD),
    (".blue", "fill", BLUE),
    (".purple", "fill", PURPLE),
    (".line", "stroke", FAINT),
    (".dashed", "stroke", BAD),
    (".head path", "fill", FAINT),
    (".warn", "fill", BAD),
];

/// A part of a style sheet: what has which colour. Written out, since not everything that shows
/// pictures knows variables.
pub(super) fn coloured(rules: &[(&str, &str, Colour)]) -> String {
    let [light, dark] = [0, 1].map(|theme| {
        let rule = |(selector, property, colour): &(&str, &str, Colour)| {
            format!("      {selector} {{ {property}: {} }}\n", colour[theme])
        };
        rules.iter().map(rule).collect::<String>()
    });
    format!("{light}    @media (prefers-color-scheme: dark) {{\n{dark}    }}\n")
}

/// Text as XML holds it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What has been drawn so far. Places are in pixels from the upper left corner.
#[derive(Default)]
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    /// A rectangle with this upper left corner.
    pub(super) fn rect(
        &mut self,
        class: &str,
        (x, y): (usize, usize),
        width: usize,
        height: usize,
    ) {
        self.push(&format!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>"#
        ));
    }

    /// A text that begins at this place of its base line.
    pub(super) fn text(&mut self, class: &str, (x, y): (usize, usize), text: &str) {
        self.push(&format!(r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text)));
    }

    /// A line through these places.
    pub(super) fn line(&mut self, class: &str, places: &[(usize, usize)]) {
        let places: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
        self.push(&format!(r#"<polyline class="{class}" points="{}"/>"#, places.join(" ")));
    }

    /// The same with a head at its end.
    pub(super) fn arrow(&mut self, places: &[(usize, usize)]) {
        self.line("line arrow", places);
    }

    fn push(&mut self, element: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "  {element}");
    }

    /// The picture, with what is read aloud instead of it.
    pub(super) fn finish(self, title: &str, width: usize, height: usize) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
  <title>{title}</title>
  <style>
    text {{ font: 14px system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }}
    .title {{ font-weight: 600 }}
    .small, .warn {{ font-size: 12px }}
    .line {{ fill: none; stroke-width: 1.5 }}
    .dashed {{ stroke-dasharray: 6 4 }}
    .arrow {{ marker-end: url(#head) }}
{colours}  </style>
  <marker id="head" class="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
    <path d="M0 0 8 4 0 8z"/>
  </marker>
  <rect class="page" x="0.5" y="0.5" width="{}" height="{}" rx="6"/>
{body}</svg>
"#,
            width - 1,
            height - 1,
            title = escape(title),
            colours = coloured(&RULES),
            body = self.body,
        )
    }
}
