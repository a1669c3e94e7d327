//! An overlay file to its actions, or everything that is wrong with it.

use super::jsonpath::JsonPath;
use super::{Action, Effect, METHODS, Omission, Omit, Overlay, Placement, shape};
use crate::document::pointer::join;
use crate::document::{Source, keys, kind, read};
use crate::error::{Error, Problem};
use serde_json::{Map, Value};

/// The key of the table of resources.
const RESOURCES: &str = "x-onkernel-resources";

/// How deep a target may be bracketed: the JSONPath parser recurses, and a real one has a few.
const MAX_BRACKETS: usize = 32;

impl Overlay {
    /// Reads YAML 1.2 or JSON. `name` is the file's name in messages. `extends` is accepted and
    /// has no effect: which document is meant, the caller says.
    ///
    /// # Errors
    /// Everything that breaks the Overlay Specification 1.0: a version other than 1.0.x, a field
    /// that does not exist, a target that is not a JSONPath (RFC 9535).
    ///
    /// ```
    /// use onkernel_codegen::{Document, Overlay};
    ///
    /// let overlay = "
    /// overlay: 1.0.0
    /// info: { title: Titles, version: 1.0.0 }
    /// actions:
    ///   - target: $.info
    ///     update: { title: Ours }
    /// ";
    /// let mut document = Document::parse("{openapi: 3.1.0, info: {title: A}, paths: {}}", "a.yml")?;
    /// let report = Overlay::parse(overlay, "overlay.yml")?.apply(&mut document)?;
    /// assert_eq!(document.root()["info"]["title"], "Ours");
    /// assert_eq!(report.actions[0].matched, 1);
    /// # Ok::<(), onkernel_codegen::Error>(())
    /// ```
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let source = Source::new(text, name);
        let root = read(&source)?;
        let mut parser = Parser { source: &source, problems: Vec::new() };
        let (actions, omit, places) = parser.overlay(root);
        Error::unless_empty(parser.problems)?;
        Ok(Self { source, actions, omit, places })
    }
}

struct Parser<'s> {
    source: &'s Source,
    problems: Vec<Problem>,
}

/// A mapping of the file whose fields are taken out one by one; what is left over is unknown.
struct Fields {
    members: Map<String, Value>,
    pointer: String,
}

impl Parser<'_> {
    fn problem(&mut self, pointer: &str, message: impl Into<String>, help: &str) {
        self.problems.push(self.source.problem(pointer, message, help));
    }

    fn overlay(&mut self, root: Value) -> (Vec<Action>, Vec<Omission>, Vec<Placement>) {
        let Some(mut fields) = self.fields(root, String::new()) else { return Default::default() };
        // A file of another version may break every other rule too: say that and no more.
        match self.required_text(&mut fields, "overlay") {
            Some(version) if is_supported(&version) => {}
            Some(version) => {
                let message = format!("this is Overlay `{version}`");
                self.problem("/overlay", message, "write it as Overlay 1.0, and say `1.0.0`");
                return Default::default();
            }
            None => return Default::default(),
        }
        match fields.members.remove("info") {
            Some(info) => {
                if let Some(mut info) = self.fields(info, "/info".to_owned()) {
                    self.required_text(&mut info, "title");
                    self.required_text(&mut info, "version");
                    self.no_more(info);
                }
            }
            None => self.problem("", "`info` is missing", "add it with a `title` and a `version`"),
        }
        self.text(&mut fields, "extends");
        let has_table = fields.members.contains_key(RESOURCES);
        let actions = match fields.members.remove("actions") {
            Some(Value::Array(actions)) if !actions.is_empty() || has_table => {
                actions.into_iter().enumerate().filter_map(|(i, it)| self.action(i, it)).collect()
            }
            Some(other) => {
                let found = if other.is_array() { "an empty list" } else { kind(&other) };
                let message = format!("`actions` is {found}");
                self.problem("/actions", message, "list at least one action");
                Vec::new()
            }
            None if has_table => Vec::new(),
            None => {
                self.problem("", "`actions` is missing", "list at least one action");
                Vec::new()
            }
        };
        let omit = match fields.members.remove("x-onkernel-omit") {
            Some(omit) => self.omissions(omit),
            None => Vec::new(),
        };
        let mut places = Vec::new();
        if let Some(Value::Object(resources)) = fields.members.remove(RESOURCES) {
            for (name, inner) in resources {
                self.resource(&name, inner, &join(&format!("/{RESOURCES}"), &name), &mut places);
            }
        }
        self.no_more(fields);
        (actions, omit, places)
    }

    fn action(&mut self, index: usize, action: Value) -> Option<Action> {
        let pointer = join("/actions", index);
        let mut fields = self.fields(action, pointer.clone())?;
        let target = self.required_text(&mut fields, "target");
        let target = target.and_then(|target| self.target(&target, &join(&pointer, "target")));
        let description = self.text(&mut fields, "description");
        let optional = self.text(&mut fields, "x-onkernel-optional");
        if optional.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
            let pointer = join(&pointer, "x-onkernel-optional");
            self.problem(&pointer, "the reason is empty", "say why a document need not match");
        }
        let remove = match fields.members.remove("remove") {
            None => false,
            Some(Value::Bool(remove)) => remove,
            Some(other) => {
                let message = format!("`remove` is {}", kind(&other));
                self.problem(&join(&pointer, "remove"), message, "write `true` or `false`");
                return None;
            }
        };
        let effect = match (remove, fields.members.remove("update")) {
            (true, _) => Effect::Remove,
            (false, Some(update)) => {
                // An action need not match, and would keep a misspelt key to itself.
                let mut unknown = Vec::new();
                keys::find(&update, &join(&pointer, "update"), false, &mut unknown);
                for (pointer, message) in unknown {
                    self.problem(&pointer, message, &keys::help());
                }
                Effect::Update(update)
            }
            (false, None) => {
                let message = "this action has nothing to do";
                self.problem(&pointer, message, "give it an `update`, or `remove: true`");
                return None;
            }
        };
        self.no_more(fields);
        Some(Action { target: target?, effect, optional, description, pointer })
    }

    fn target(&mut self, target: &str, pointer: &str) -> Option<JsonPath> {
        if target.matches(['(', '[']).count() > MAX_BRACKETS {
            let message = format!("the target has more than {MAX_BRACKETS} brackets");
            self.problem(pointer, message, "select less with one action");
            return None;
        }
        match JsonPath::parse(target) {
            Ok(path) => Some(path),
            Err(at) => {
                let rest = target.get(at..).filter(|rest| *rest != target);
                let rest = rest.map(|rest| format!(", from `{rest}` on")).unwrap_or_default();
                let message = format!("`{target}` is not a JSONPath{rest}");
                self.problem(pointer, message, "write it as RFC 9535 has it, beginning with `$`");
                None
            }
        }
    }

    /// The operations of a resource, and of those inside it.
    fn resource(&mut self, name: &str, inner: Value, at: &str, places: &mut Vec<Placement>) {
        let Some(fields) = self.fields(inner, at.to_owned()) else { return };
        for (key, value) in fields.members {
            let at = join(at, &key);
            let Value::String(entry) = value else {
                self.resource(&format!("{name}.{key}"), value, &at, places);
                continue;
            };
            match self.operation(&entry, &at) {
                Some((method, path)) => places.push(Placement {
                    method,
                    shape: shape(&path),
                    resource: name.to_owned(),
                    name: key,
                }),
                None => continue,
            }
        }
    }

    /// An entry such as `GET /browsers`, as method and path.
    fn operation(&mut self, entry: &str, pointer: &str) -> Option<(String, String)> {
        let parts = entry.split_once(' ').map(|(method, path)| (method.to_lowercase(), path));
        match parts {
            Some((method, path)) if METHODS.contains(&&*method) && path.starts_with('/') => {
                Some((method, path.to_owned()))
            }
            _ => {
                let message = format!("`{entry}` is not an operation");
                self.problem(pointer, message, "write method and path, such as `GET /browsers`");
                None
            }
        }
    }

    fn omissions(&mut self, omit: Value) -> Vec<Omission> {
        let base = "/x-onkernel-omit";
        let Some(mut fields) = self.fields(omit, base.to_owned()) else { return Vec::new() };
        let mut omissions = Vec::new();
        for (entry, pointer) in self.strings(&mut fields, "operations") {
            if let Some((method, path)) = self.operation(&entry, &pointer) {
                omissions.push(Omission { what: Omit::Operation { method, path }, pointer });
            }
        }
        for (tag, pointer) in self.strings(&mut fields, "tags") {
            omissions.push(Omission { what: Omit::Tag(tag), pointer });
        }
        self.no_more(fields);
        omissions
    }

    fn fields(&mut self, value: Value, pointer: String) -> Option<Fields> {
        match value {
            Value::Object(members) => Some(Fields { members, pointer }),
            other => {
                let message = format!("a mapping belongs here, and this is {}", kind(&other));
                self.problem(&pointer, message, "see the Overlay Specification 1.0");
                None
            }
        }
    }

    fn text(&mut self, fields: &mut Fields, key: &str) -> Option<String> {
        match fields.members.remove(key)? {
            Value::String(text) => Some(text),
            other => {
                let message = format!("`{key}` is {}", kind(&other));
                self.problem(&join(&fields.pointer, key), message, "write a text, in quotes");
                None
            }
        }
    }

    fn required_text(&mut self, fields: &mut Fields, key: &str) -> Option<String> {
        if !fields.members.contains_key(key) {
            let message = format!("`{key}` is missing");
            self.problem(&fields.pointer, message, "add it, see the Overlay Specification 1.0");
        }
        self.text(fields, key)
    }

    /// A list of strings, each with its pointer.
    fn strings(&mut self, fields: &mut Fields, key: &str) -> Vec<(String, String)> {
        let pointer = join(&fields.pointer, key);
        let items = match fields.members.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problem(&pointer, format!("`{key}` is {}", kind(&other)), "write a list");
                return Vec::new();
            }
        };
        let mut strings = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let pointer = join(&pointer, index);
            match item {
                Value::String(text) => strings.push((text, pointer)),
                other => {
                    self.problem(&pointer, format!("this is {}", kind(&other)), "write a text")
                }
            }
        }
        strings
    }

    /// A misspelt field would change nothing and say nothing.
    fn no_more(&mut self, fields: Fields) {
        for key in fields.members.keys() {
            if key.starts_with("x-onkernel-") || !key.starts_with("x-") {
                let message = format!("`{key}` is not a field here");
                self.problem(&join(&fields.pointer, key), message, "correct or remove it");
            }
        }
    }
}

/// 1.0.x.
fn is_supported(version: &str) -> bool {
    let patch = version.strip_prefix("1.0.").unwrap_or_default();
    !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())
}
