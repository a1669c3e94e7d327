//! Writes a document as block YAML 1.2, as a person would: keys in their order, prose folded at 100
//! columns, quotes only where a reader of YAML 1.1 or 1.2 needs them.

use crate::tree::Tree;
use serde_json::Value;
use std::fmt::Write as _;

/// No line is longer unless one word is.
const WIDTH: usize = 100;

/// A document as text, with a newline at the end.
#[must_use]
pub fn write(tree: &Tree) -> String {
    let mut text = String::new();
    match tree {
        Tree::Map(members) if !members.is_empty() => mapping(&mut text, members, 0, ""),
        other => {
            let _ = writeln!(text, "{}", flow(other));
        }
    }
    text
}

/// The members of a mapping; the first follows `before` on its line, which stands at `indent`.
fn mapping(text: &mut String, members: &[(String, Tree)], indent: usize, before: &str) {
    for (index, (key, value)) in members.iter().enumerate() {
        // The others are aligned with the first.
        let (indent, before) =
            if index == 0 { (indent, before) } else { (indent + before.len(), "") };
        let head = format!("{:indent$}{before}{}:", "", scalar(key));
        member(text, &head, key, value, indent + before.len());
    }
}

/// One member, whose key stands at `indent`.
fn member(text: &mut String, head: &str, key: &str, value: &Tree, indent: usize) {
    let _ = match value {
        Tree::Map(members) if !members.is_empty() => {
            let _ = writeln!(text, "{head}");
            mapping(text, members, indent + 2, "");
            return;
        }
        // `type: [string, 'null']`
        Tree::List(items) if !items.is_empty() && key != "type" => {
            let _ = writeln!(text, "{head}");
            items.iter().for_each(|item| list_item(text, item, indent + 2));
            return;
        }
        Tree::Scalar(Value::String(prose)) if key == "description" || key == "summary" => {
            writeln!(text, "{head} {}", words(prose, head.chars().count() + 1, indent + 2))
        }
        Tree::Scalar(Value::String(string)) if string.contains('\n') => {
            writeln!(text, "{head} {}", lines(string, indent + 2))
        }
        other => writeln!(text, "{head} {}", flow(other)),
    };
}

fn list_item(text: &mut String, item: &Tree, indent: usize) {
    match item {
        Tree::Map(members) if !members.is_empty() => mapping(text, members, indent, "- "),
        other => {
            let _ = writeln!(text, "{:indent$}- {}", "", flow(other));
        }
    }
}

/// Anything on one line.
fn flow(tree: &Tree) -> String {
    match tree {
        Tree::Scalar(Value::String(string)) => scalar(string),
        Tree::Scalar(value) => value.to_string(),
        Tree::List(items) => {
            let items: Vec<_> = items.iter().map(flow_inside).collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Map(members) => {
            let member = |(key, value): &(String, Tree)| {
                format!("{}: {}", scalar_inside(key), flow_inside(value))
            };
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn flow_inside(tree: &Tree) -> String {
    tree.as_str().map_or_else(|| flow(tree), scalar_inside)
}

/// A string inside brackets, where more characters mean something.
fn scalar_inside(string: &str) -> String {
    let written = scalar(string);
    let is_plain = written == string;
    if is_plain && string.contains(['[', ']', '{', '}', ',']) { quoted(string) } else { written }
}

/// Prose: on its line if it fits there after `column` characters, otherwise below it.
fn words(prose: &str, column: usize, indent: usize) -> String {
    if is_plain(prose) && column + prose.chars().count() <= WIDTH {
        return prose.to_owned();
    }
    if prose.contains('\n') {
        return lines(prose, indent);
    }
    let folds = !prose.is_empty()
        && prose.split(' ').all(|word| !word.is_empty())
        && !prose.contains(is_unprintable);
    if !folds {
        return quoted(prose);
    }
    let mut text = ">-".to_owned();
    let mut column = WIDTH;
    for word in prose.split(' ') {
        let length = word.chars().count();
        if column + 1 + length > WIDTH {
            let _ = write!(text, "\n{:indent$}{word}", "");
            column = indent + length;
        } else {
            let _ = write!(text, " {word}");
            column += 1 + length;
        }
    }
    text
}

/// A string of several lines.
fn lines(string: &str, indent: usize) -> String {
    let (body, chomping) = match string.strip_suffix('\n') {
        Some(body) => (body, ""),
        None => (string, "-"),
    };
    let is_simple = !body.is_empty()
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && body.split('\n').all(|line| !line.ends_with(' ') && !line.contains(is_unprintable));
    if !is_simple {
        return quoted(string);
    }
    let mut text = format!("|{chomping}");
    for line in body.split('\n') {
        text.push('\n');
        if !line.is_empty() {
            let _ = write!(text, "{:indent$}{line}", "");
        }
    }
    text
}

/// A string on one line: plain where that cannot be read as anything else.
fn scalar(string: &str) -> String {
    if is_plain(string) { string.to_owned() } else { quoted(string) }
}

fn quoted(string: &str) -> String {
    if !string.contains(is_unprintable) {
        return format!("'{}'", string.replace('\'', "''"));
    }
    let mut text = "\"".to_owned();
    for character in string.chars() {
        let _ = match character {
            '"' | '\\' => write!(text, "\\{character}"),
            '\n' => write!(text, "\\n"),
            _ if is_unprintable(character) => write!(text, "\\U{:08X}", u32::from(character)),
            _ => write!(text, "{character}"),
        };
    }
    text + "\""
}

/// What YAML does not read back, or reads as the end of a line.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_plain(string: &str) -> bool {
    const INDICATORS: &str = "-?:,[]{}#&*!|>'\"%@`";
    let Some(first) = string.chars().next() else { return false };
    !INDICATORS.contains(first)
        && string.trim() == string
        && !string.contains(": ")
        && !string.contains(" #")
        && !string.ends_with(':')
        && !string.contains(is_unprintable)
        && !is_other_type(string)
}

/// Whether YAML 1.1 or 1.2 takes a plain string for a null, a boolean, a number, a date or a key to
/// merge.
fn is_other_type(string: &str) -> bool {
    const NAMES: [&str; 12] =
        ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~", "<<", "="];
    let lower = string.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['+', '-']);
    if NAMES.contains(&lower.as_str()) || [".inf", ".nan"].contains(&unsigned) {
        return true;
    }
    if !unsigned.starts_with(|it: char| it.is_ascii_digit() || it == '.') {
        return false;
    }
    let number = unsigned.replace('_', "");
    let of = |characters: &str| number.chars().all(|it| characters.contains(it));
    let year = number.split('-').next().unwrap_or_default();
    number.parse::<f64>().is_ok()
        || number.starts_with("0x") && number[2..].chars().all(|it| it.is_ascii_hexdigit())
        || number.starts_with("0o") && number[2..].chars().all(|it| it.is_digit(8))
        || number.starts_with("0b") && number[2..].chars().all(|it| it.is_digit(2))
        // 1:30 is ninety in YAML 1.1.
        || number.contains(':') && of("0123456789:.")
        || number.contains('-') && year.len() == 4 && of("0123456789-:.tz+ ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use onkernel_codegen::Document;
    use serde_json::json;

    /// Reads back what was written, as the build script would.
    fn back(value: &Value) -> (String, Value) {
        let document = json!({ "openapi": "3.1.0", "paths": {}, "x": value });
        let text = write(&Tree::from(&document));
        let read =
            Document::parse(&text, "written.yml").unwrap_or_else(|it| panic!("{it}\n{text}"));
        let value = read.root().pointer("/x").cloned().unwrap();
        (text, value)
    }

    #[test]
    fn every_string_is_read_back_as_it_was() {
        let long = "word ".repeat(60);
        let strings = [
            "",
            " ",
            "a",
            " a",
            "a ",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "-",
            "- a",
            "-a",
            "?",
            "'",
            "\"",
            "it's",
            "`a`",
            "@a",
            "%a",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n\n",
            "\na",
            " a\nb",
            "a\n  b",
            "a \nb",
            "a\tb",
            "\ta",
            "null",
            "Null",
            "~",
            "true",
            "No",
            "y",
            "1",
            "-1",
            "+1",
            "1.5",
            "1e5",
            ".5",
            "0x1f",
            "0o17",
            "1_000",
            "1:30",
            "2026-11-26",
            "2026-11-26T10:00:00Z",
            ".inf",
            "-.INF",
            "3.1.0",
            "127.0.0.1",
            "1password",
            "<<",
            "=",
            "[a]",
            "{a}",
            "a, b",
            "a[0]",
            "*",
            "&a",
            "!a",
            "|",
            ">",
            "---",
            "...",
            "é ü 😀",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{2028}b",
            "\u{feff}a",
            "\r\n",
            "a\rb",
            "\0",
            "a  b",
            "\\",
            "a\\nb",
        ];
        let strings = strings.iter().map(|it| (*it).to_owned());
        let folded =
            [long.trim_end().to_owned(), long.clone(), format!("{long}\nb"), "x".repeat(150)];
        for string in strings.chain(folded) {
            let value = json!({
                "plain": string, "description": string, "list": [string, { "summary": string, "b": 1 }],
                "type": [string], "nested": [[string, 1]], string.as_str(): string,
            });
            let (text, read) = back(&value);
            assert_eq!(read, value, "{text}");
        }
    }

    #[test]
    fn every_other_value_is_read_back_as_it_was() {
        let value = json!({
            "a": [1, -1, 1.5, 1e-7, 1e300, u64::MAX, i64::MIN, true, false, null], "b": {}, "c": [],
            "d": [{}, [], [[]], { "e": { "f": [{ "g": [] }] }, "h": [{ "i": 1, "j": {} }] }],
        });
        let (text, read) = back(&value);
        assert_eq!(read, value, "{text}");
    }

    #[test]
    fn it_is_written_as_by_hand() {
        let text = "\
openapi: 3.1.0
info:
  version: '1.0'
paths:
  /a/{id}:
    get:
      description: >-
        This is prose of more than a line, and it is folded so that no line of it becomes longer
        than a hundred columns.
      parameters:
        - name: id
          in: path
          schema:
            type: [string, 'null']
            enum:
              - 'on'
              - 1password
              - null
      responses:
        '200':
          description: ''
          content: {}
";
        let document = Document::parse(text, "by hand").unwrap();
        assert_eq!(write(&Tree::of(&document)), text);
    }
}
