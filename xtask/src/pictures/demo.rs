//! The demo as a terminal shows it.
//!
//! A test of the demo keeps what it prints on a terminal; what differs each time is replaced there.

use super::svg;
use crate::files;
use anstyle_svg::Term;
use std::path::Path;

pub(super) const SOURCE: &str = "cli/tests/cli/snapshots/cli__demo__demo-in-colour.snap";

/// The sections that are shown: all of it would fill three screens.
const SECTIONS: [&str; 2] = [
    "Rotate the key in a file while a workload uses it",
    "Once more, and the response with the new key is lost",
];

/// Escape codes are kept as a character that can be seen.
const ESCAPE: char = '␛';

pub(super) fn draw(root: &Path) -> Result<String, String> {
    let kept = files::read_in(root, SOURCE)?;
    let shown = kept.splitn(3, "---\n").nth(2).ok_or("is not a snapshot")?;
    let mut parts = vec!["$ kernel-keys demo\n␛[2m…␛[0m"];
    for title in SECTIONS {
        let mut sections = shown.split("\n\n");
        let section = sections.find(|it| it.lines().next().is_some_and(|it| it.contains(title)));
        parts.push(section.ok_or_else(|| format!("has no section {title:?}"))?);
    }
    parts.push("␛[2m…␛[0m");
    let text = parts.join("\n\n").replace(ESCAPE, "\u{1b}");
    finish(&Term::new().render_svg(&text)).ok_or_else(|| "cannot be rendered".to_owned())
}

/// Makes it as large as its place allows, light or dark as the page is, and readable aloud.
fn finish(svg: &str) -> Option<String> {
    let (head, rest) = svg.split_once('>')?;
    let size = |name: &str| head.split_once(&format!(" {name}=\""))?.1.split_once("px\"");
    let ((width, _), (height, _)) = (size("width")?, size("height")?);
    let (style, body) = rest.split_once("  </style>\n")?;
    // Later rules go before the renderer's own.
    let colours = svg::coloured(&[
        (".fg", "fill", svg::INK),
        (".bg", "fill", svg::PAGE),
        (".bg", "stroke", svg::EDGE),
        (".fg-green", "fill", svg::GOOD),
        (".fg-red", "fill", svg::BAD),
    ]);
    Some(format!(
        r#"{head} viewBox="0 0 {width} {height}" role="img">
  <title>kernel-keys demo: two rotations, step by step</title>{style}{colours}    .dimmed {{ opacity: 0.7 }}
  </style>
{body}"#
    ))
}
