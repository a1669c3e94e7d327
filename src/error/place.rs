//! Where in a JSON text an error is, as a JSON pointer: serde_json says only line and column.

/// The value around, or just before, this line and column, both from 1. `None` at the root.
pub(super) fn pointer(json: &[u8], line: usize, column: usize) -> Option<String> {
    let start: usize = json
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.checked_sub(1)?)
        .map(<[u8]>::len)
        .sum();
    let json = json.get(..start.saturating_add(column)).unwrap_or(json);
    let (mut steps, mut string): (Vec<Step<'_>>, Option<usize>) = (Vec::new(), None);
    let (mut at, mut last) = (0, "");
    while let Some(byte) = json.get(at) {
        match (byte, string) {
            (b'\\', Some(_)) => at += 1,
            (b'"', Some(from)) => {
                last = std::str::from_utf8(&json[from..at]).unwrap_or_default();
                string = None;
            }
            (_, Some(_)) => {}
            (b'"', None) => string = Some(at + 1),
            (b'{', None) => steps.push(Step::Field("")),
            (b'[', None) => steps.push(Step::Item(0)),
            (b'}' | b']', None) => drop(steps.pop()),
            (b':', None) => {
                if let Some(Step::Field(name)) = steps.last_mut() {
                    *name = last;
                }
            }
            (b',', None) => {
                if let Some(Step::Item(index)) = steps.last_mut() {
                    *index += 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let steps = steps.iter().map(|step| match step {
        Step::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Item(index) => format!("/{index}"),
    });
    Some(steps.collect::<String>()).filter(|pointer| !pointer.is_empty())
}

enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

#[cfg(test)]
mod tests {
    use super::pointer;

    fn of<T: serde::de::DeserializeOwned>(json: &str) -> Option<String> {
        let error = serde_json::from_str::<T>(json).err().unwrap();
        pointer(json.as_bytes(), error.line(), error.column())
    }

    #[test]
    fn the_value_is_named_by_its_place() {
        type Dates = Vec<std::collections::BTreeMap<String, Option<chrono::DateTime<chrono::Utc>>>>;
        let date = |text: &str| format!("[{{}},\n {{\"a\": null, \"\\\"b/c\":\n \"{text}\"}}]");
        assert_eq!(of::<Dates>(&date("2026-03-01T10:00:00")).unwrap(), "/1/\\\"b~1c");
        assert_eq!(of::<Dates>("[{\"a\": 7}]").unwrap(), "/0/a");
        assert_eq!(of::<(u8, u8)>("[1, \"}]\"]").unwrap(), "/1");
        assert_eq!(of::<u8>("\"x\""), None);
        assert_eq!(pointer(b"", 3, 9), None);
        assert_eq!(pointer(b"}]\"", 0, 1), None);
    }

    #[test]
    fn what_lacks_a_field_is_named_itself() {
        let durations = "[{\"secs\": 1, \"nanos\": 2}, {\"secs\": 1}]";
        assert_eq!(of::<Vec<std::time::Duration>>(durations).unwrap(), "/1");
    }
}
