//! Keys and rotations as metrics, for the textfile collector of Prometheus' node exporter.

use std::fmt::{Display, Write as _};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use onkernel::rotation::{Audited, History};

use crate::failure::Failure;

/// The file's content.
pub(crate) fn text(
    selected: &[Audited],
    histories: Vec<(String, Option<History>)>,
    now: DateTime<Utc>,
) -> String {
    let mut out = Metrics::default();
    out.family("kernel_keys_audit_timestamp_seconds", "When the audit was made.");
    out.sample(&[], seconds(now));
    out.family("kernel_keys_selected_keys", "How many keys the policy selects.");
    out.sample(&[], selected.len());
    out.keys("kernel_keys_key_age_seconds", "How old the key is.", selected, |it| {
        Some((now - it.key.created_at).num_milliseconds() as f64 / 1000.0)
    });
    out.keys(
        "kernel_keys_key_created_timestamp_seconds",
        "When the key was created.",
        selected,
        |it| Some(seconds(it.key.created_at)),
    );
    out.keys(
        "kernel_keys_key_expiry_timestamp_seconds",
        "When the key expires. Keys that never do have no sample.",
        selected,
        |it| it.key.expires_at.map(seconds),
    );
    let (mut read, mut unreadable) = (Vec::new(), 0);
    for (journal, history) in histories {
        match history {
            Some(history) if !history.store.is_empty() => read.push((journal, history)),
            Some(_) => {}
            None => unreadable += 1,
        }
    }
    out.rotations(
        "kernel_keys_rotation_last_success_timestamp_seconds",
        "gauge",
        "When the key of the store was last replaced.",
        &read,
        |history| history.last_rotated.map(seconds),
    );
    out.rotations(
        "kernel_keys_rotations_total",
        "counter",
        "How many rotations have replaced the key of the store.",
        &read,
        |history| Some(history.rotated as f64),
    );
    out.rotations(
        "kernel_keys_rotation_failures_total",
        "counter",
        "How many rotations of the store have failed or were given up.",
        &read,
        |history| Some((history.as_before + history.given_up) as f64),
    );
    out.rotations(
        "kernel_keys_rotation_unfinished",
        "gauge",
        "Whether a rotation of the store was begun and has not ended.",
        &read,
        |history| Some(f64::from(u8::from(history.under_way))),
    );
    out.family("kernel_keys_unreadable_journals", "How many journals cannot be read.");
    out.sample(&[], unreadable);
    out.text
}

/// Writes the file as a whole: the collector never sees half of it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::new(format!("cannot write the metrics to {}: {error}", path.display()))
    };
    if path.extension().is_none_or(|extension| extension != "prom") {
        let problem = format!("{} is not read by the node exporter", path.display());
        return Err(Failure::usage(problem).advise("Give it a name that ends in .prom."));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .suffix(".tmp")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    // The exporter is another user.
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(file.path(), mode).map_err(cannot)?;
    }
    file.as_file().sync_all().map_err(cannot)?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    Ok(())
}

#[derive(Default)]
struct Metrics {
    text: String,
    name: &'static str,
}

impl Metrics {
    fn family(&mut self, name: &'static str, help: &str) {
        self.typed(name, "gauge", help);
    }

    fn typed(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = match &labels[..] {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }

    fn keys(
        &mut self,
        name: &'static str,
        help: &str,
        selected: &[Audited],
        value: impl Fn(&Audited) -> Option<f64>,
    ) {
        self.family(name, help);
        for it in selected {
            if let Some(value) = value(it) {
                let project = it.key.project_id.as_deref().unwrap_or_default();
                let labels = [("id", &*it.key.id), ("name", &*it.key.name), ("project", project)];
                self.sample(&labels, value);
            }
        }
    }

    fn rotations(
        &mut self,
        name: &'static str,
        kind: &str,
        help: &str,
        all: &[(String, History)],
        value: impl Fn(&History) -> Option<f64>,
    ) {
        self.typed(name, kind, help);
        for (journal, history) in all {
            if let Some(value) = value(history) {
                // The journal tells stores apart that have the same name.
                let labels =
                    [("journal", journal), ("store", &history.store), ("name", &history.name)];
                self.sample(&labels.map(|(name, value)| (name, value.as_str())), value);
            }
        }
    }
}

fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}

/// The value of a label in the exposition format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), r#"a\\b\"c\nd"#);
    }
}
