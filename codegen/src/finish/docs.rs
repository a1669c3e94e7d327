//! Descriptions as doc comments that rustdoc renders without a warning.

use proc_macro2::TokenStream;
use quote::quote;

use crate::surface::{Notes, Rule};

/// The doc comment of a value: what the document says, its bounds, its default.
pub(super) fn of_value(subject: &str, notes: &Notes, rule: &Rule) -> TokenStream {
    let mut text = if notes.description.is_empty() {
        format!("`{subject}`.")
    } else {
        render(&notes.description)
    };
    let facts = facts(notes, rule);
    if !facts.is_empty() {
        text = format!("{text}\n\n{facts}");
    }
    let deprecated = notes.deprecated.then(|| quote!(#[deprecated]));
    let doc = lines(&text);
    quote!(#doc #deprecated)
}

/// What the document says of a value, its bounds and its default, in a line.
pub(super) fn sentence(notes: &Notes, rule: &Rule) -> String {
    let words = render(&notes.description).split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = [words, facts(notes, rule)];
    parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

fn facts(notes: &Notes, rule: &Rule) -> String {
    let mut facts = Vec::new();
    if let Some(words) = rule.words() {
        facts.push(format!("Bounds: {words}."));
    }
    if let Some(pattern) = &notes.pattern {
        facts.push(format!("Pattern: `` {pattern} ``."));
    }
    if let Some(default) = &notes.default {
        facts.push(format!("The server's default: `{default}`."));
    }
    facts.join(" ")
}

/// Text as `#[doc]` attributes, one a line.
pub(super) fn lines(text: &str) -> TokenStream {
    let lines = text.lines().map(|line| {
        let line = if line.is_empty() { String::new() } else { format!(" {line}") };
        quote!(#[doc = #line])
    });
    quote!(#(#lines)*)
}

/// Markdown of a document as Markdown of rustdoc: what would be read as HTML, as a link to an
/// item or as a test is escaped, and bare addresses become links.
pub(super) fn render(markdown: &str) -> String {
    let mut fenced = false;
    let lines = markdown.trim().lines().map(|line| {
        let line = line.trim_end();
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            // A fence without a language would be compiled as a test.
            return if fenced && line.trim() == "```" {
                format!("{line}text")
            } else {
                line.to_owned()
            };
        }
        // Four spaces would make a code block, which rustdoc compiles.
        if fenced { line.to_owned() } else { inline(line.trim_start()) }
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if fenced {
        text.push_str("\n```");
    }
    text
}

fn inline(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    for (index, piece) in line.split('`').enumerate() {
        if index > 0 {
            out.push('`');
        }
        if index % 2 == 1 && line.matches('`').count() > index {
            out.push_str(piece);
        } else {
            words(piece, &mut out);
        }
    }
    if line.matches('`').count() % 2 == 1 {
        // A lone backtick is a character, not the beginning of code.
        if let Some(at) = out.rfind('`') {
            out.insert(at, '\\');
        }
    }
    out
}

fn words(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("http://").into_iter().chain(rest.find("https://")).min() {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|c: char| c.is_whitespace() || "<>()[]{}\"'|".contains(c))
            .unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?']);
        escape(before, out);
        let linked = before.ends_with("](") || before.ends_with('<');
        if address.len() <= "https://".len() {
            escape(address, out);
        } else if linked {
            out.push_str(address);
        } else {
            out.push('<');
            out.push_str(address);
            out.push('>');
        }
        rest = &from[address.len()..];
    }
    escape(rest, out);
}

fn escape(text: &str, out: &mut String) {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '<' | '[' => {
                out.push('\\');
                out.push(c);
            }
            ']' if rest.peek() != Some(&'(') => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn what_rustdoc_would_misread_is_escaped() {
        assert_eq!(render("see <b>[a]</b>"), "see \\<b>\\[a\\]\\</b>");
        assert_eq!(render("code `<b>[a]` stays"), "code `<b>[a]` stays");
        assert_eq!(render("at https://kernel.sh/docs."), "at <https://kernel.sh/docs>.");
        assert_eq!(render("a lone ` tick"), "a lone \\` tick");
    }

    #[test]
    fn code_is_never_a_test() {
        assert_eq!(render("```\nx <y>\n```"), "```text\nx <y>\n```");
        assert_eq!(render("```json\n{}"), "```json\n{}\n```");
        assert_eq!(render("    indented"), "indented");
    }
}
