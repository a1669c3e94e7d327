//! What the generated client must offer, read from the lowered document before the generator sees
//! it: directions, bounds, the three states of a field, what is secret, what is paged.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use serde_json::Value;

/// The operations and types of a document.
#[derive(Debug, Default)]
pub struct Surface {
    /// In the document's order of paths.
    pub operations: Vec<Operation>,
    /// By name.
    pub types: BTreeMap<String, Type>,
}

/// One method of the generated client.
#[derive(Debug)]
pub struct Operation {
    /// The method's name.
    pub name: String,
    /// HTTP method, in capitals.
    pub method: String,
    /// Path template.
    pub path: String,
    /// The resource it belongs to.
    pub tag: Option<String>,
    /// One line, and more lines.
    pub summary: String,
    /// More than the summary.
    pub description: String,
    /// Whether the document advises against it.
    pub deprecated: bool,
    /// Whether it stays out of the documentation.
    pub hidden: bool,
    /// Path, query and header parameters.
    pub parameters: Vec<Parameter>,
    /// Whether it has a JSON body, and must have it.
    pub body: Option<Body>,
    /// Whether a successful answer has a body.
    pub answers: bool,
    /// The statuses that the document names, with their descriptions.
    pub statuses: Vec<(String, String)>,
    /// Whether sending it twice does no more than sending it once.
    pub safe: bool,
    /// Whether a successful answer holds a secret.
    pub secret_answer: bool,
    /// How its pages follow each other.
    pub paging: Option<Paging>,
    /// The names of all types that its body, parameters and successful answer can hold.
    pub types: BTreeSet<String>,
}

impl Operation {
    /// The name of its builder.
    pub fn type_name(&self) -> String {
        self.name.to_upper_camel_case()
    }

    /// The name of its description.
    pub fn static_name(&self) -> String {
        self.name.to_shouty_snake_case()
    }
}

/// A request body.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// Whether the operation refuses a request without it.
    pub required: bool,
}

/// Pages that follow each other by offset, announced in headers of the answer.
#[derive(Debug)]
pub struct Paging {
    /// The header that says whether there is more.
    pub has_more: String,
    /// The header that says where the next page begins.
    pub next_offset: String,
}

/// Where a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
}

/// One parameter of an operation.
#[derive(Debug)]
pub struct Parameter {
    /// As it is sent.
    pub wire: String,
    /// Where it travels.
    pub place: Place,
    /// Whether it must be set.
    pub required: bool,
    /// Its bounds.
    pub rule: Rule,
    /// What the document says of it.
    pub notes: Notes,
}

/// What the document says of a value, in words.
#[derive(Debug, Default)]
pub struct Notes {
    /// The description.
    pub description: String,
    /// The server's default, as JSON.
    pub default: Option<String>,
    /// A regular expression for strings, which is the server's to check.
    pub pattern: Option<String>,
    /// Whether the document advises against it.
    pub deprecated: bool,
}

/// A generated type.
#[derive(Debug)]
pub struct Type {
    /// What it is.
    pub kind: Kind,
    /// What the document says of it.
    pub notes: Notes,
    /// Whether a request can hold it.
    pub sent: bool,
    /// Whether an answer can hold it.
    pub received: bool,
}

/// The kinds of generated types.
#[derive(Debug)]
pub enum Kind {
    /// An object with named fields.
    Struct(Vec<Field>),
    /// A string that is one of some.
    Enum(Vec<String>),
    /// Anything else: an alias or a wrapper, as the generator has it.
    Other,
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// As it is sent.
    pub wire: String,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it may be null.
    pub nullable: bool,
    /// Its bounds.
    pub rule: Rule,
    /// Whether it holds generated types, which have bounds of their own.
    pub holds_types: bool,
    /// What the document says of it.
    pub notes: Notes,
}

/// The bounds of one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    /// Lowest number.
    pub minimum: Option<f64>,
    /// Whether the lowest number itself is excluded.
    pub exclusive_minimum: bool,
    /// Highest number.
    pub maximum: Option<f64>,
    /// Whether the highest number itself is excluded.
    pub exclusive_maximum: bool,
    /// The number is a multiple of this.
    pub multiple_of: Option<f64>,
    /// Fewest characters.
    pub min_length: Option<u64>,
    /// Most characters.
    pub max_length: Option<u64>,
    /// Fewest items.
    pub min_items: Option<u64>,
    /// Most items.
    pub max_items: Option<u64>,
}

impl Rule {
    fn read(schema: &Value) -> Self {
        let number = |key: &str| schema[key].as_f64();
        let count = |key: &str| schema[key].as_u64();
        Self {
            minimum: number("minimum"),
            exclusive_minimum: schema["exclusiveMinimum"] == true,
            maximum: number("maximum"),
            exclusive_maximum: schema["exclusiveMaximum"] == true,
            multiple_of: number("multipleOf").filter(|step| *step > 0.0),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
        }
    }

    /// Whether there are any bounds.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The bounds in words, such as `1 to 255 characters`.
    pub fn words(&self) -> Option<String> {
        let numbers = match (self.minimum, self.maximum) {
            (Some(min), Some(max)) if !self.exclusive_minimum && !self.exclusive_maximum => {
                Some(format!("{min} to {max}"))
            }
            (None, None) => None,
            (min, max) => {
                let low = if self.exclusive_minimum { "above" } else { "at least" };
                let high = if self.exclusive_maximum { "below" } else { "at most" };
                let low = min.map(|min| format!("{low} {min}"));
                let high = max.map(|max| format!("{high} {max}"));
                Some(low.into_iter().chain(high).collect::<Vec<_>>().join(", "))
            }
        };
        let step = self.multiple_of.map(|step| format!("a multiple of {step}"));
        let characters = range(self.min_length, self.max_length, "characters");
        let items = range(self.min_items, self.max_items, "items");
        let words: Vec<_> = [numbers, step, characters, items].into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn range(min: Option<u64>, max: Option<u64>, unit: &str) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max} {unit}")),
        (Some(min), None) => Some(format!("at least {min} {unit}")),
        (None, Some(max)) => Some(format!("at most {max} {unit}")),
        (None, None) => None,
    }
}

impl Surface {
    pub(crate) fn read(document: &Value) -> Self {
        let schemas = document["components"]["schemas"].as_object();
        let mut surface = Self::default();
        let mut sent = BTreeSet::new();
        let mut received = BTreeSet::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in crate::lower::walk::METHODS {
                let Some(operation) = item.get(method) else { continue };
                let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    reach(document, &parameter["schema"], &mut asked);
                }
                for media in media(&operation["requestBody"]) {
                    reach(document, &media["schema"], &mut asked);
                }
                for (_, response) in operation["responses"].as_object().into_iter().flatten() {
                    for media in media(response) {
                        reach(document, &media["schema"], &mut answered);
                    }
                }
                let mut read = read_operation(document, path, method, operation);
                read.types = asked.union(&answered).cloned().collect();
                surface.operations.push(read);
                sent.append(&mut asked);
                received.append(&mut answered);
            }
        }
        for (name, schema) in schemas.into_iter().flatten() {
            surface.types.insert(
                name.clone(),
                Type {
                    kind: kind(document, schema),
                    notes: notes(schema),
                    sent: sent.contains(name),
                    received: received.contains(name),
                },
            );
        }
        surface
    }
}

fn read_operation(document: &Value, path: &str, method: &str, it: &Value) -> Operation {
    let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let parameters = it["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<Parameter> =
        parameters.filter_map(|parameter| read_parameter(document, parameter)).collect();
    let responses = it["responses"].as_object();
    let success = responses.into_iter().flatten().find(|(status, _)| status.starts_with('2'));
    let answer = success.and_then(|(_, response)| media(response).next());
    let mut answered = BTreeSet::new();
    let mut secret_answer = false;
    if let Some(media) = answer {
        secret_answer = holds_secret(document, &media["schema"], &mut answered);
    }
    let offset = parameters.iter().any(|it| it.place == Place::Query && it.wire == "offset");
    let is_list = answer.is_some_and(|media| media["schema"]["type"] == "array");
    let header = |wanted: &str| {
        let headers = success?.1["headers"].as_object()?;
        headers.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned()
    };
    let paging = match (header("X-Has-More"), header("X-Next-Offset")) {
        (Some(has_more), Some(next_offset)) if offset && is_list => {
            Some(Paging { has_more, next_offset })
        }
        _ => None,
    };
    let repeat = it["x-onkernel-repeat"].as_str();
    Operation {
        name: text("operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        tag: it["tags"][0].as_str().map(ToOwned::to_owned),
        summary: text("summary"),
        description: text("description"),
        deprecated: it["deprecated"] == true,
        hidden: ["x-hidden", "x-internal"].iter().any(|key| it[*key] == true),
        parameters,
        body: it.get("requestBody").map(|body| Body { required: body["required"] == true }),
        answers: answer.is_some(),
        statuses: responses
            .into_iter()
            .flatten()
            .map(|(status, response)| {
                let description = response["description"].as_str().unwrap_or_default();
                (status.clone(), description.to_owned())
            })
            .collect(),
        safe: match repeat {
            Some(repeat) => repeat == "safe",
            None => matches!(method, "get" | "head" | "options" | "put" | "delete"),
        },
        secret_answer,
        paging,
        types: BTreeSet::new(),
    }
}

fn read_parameter(document: &Value, it: &Value) -> Option<Parameter> {
    let place = match it["in"].as_str()? {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        _ => return None,
    };
    let schema = &it["schema"];
    let mut notes = notes(schema);
    if let Some(description) = it["description"].as_str() {
        description.clone_into(&mut notes.description);
    }
    notes.deprecated |= it["deprecated"] == true;
    Some(Parameter {
        wire: it["name"].as_str()?.to_owned(),
        place,
        required: it["required"] == true,
        rule: Rule::read(resolve(document, schema)),
        notes,
    })
}

fn kind(document: &Value, schema: &Value) -> Kind {
    if let Some(values) = schema["enum"].as_array() {
        return Kind::Enum(
            values.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        );
    }
    let Some(properties) = schema["properties"].as_object().filter(|it| !it.is_empty()) else {
        return Kind::Other;
    };
    let required = schema["required"].as_array();
    let fields = properties.iter().map(|(wire, property)| {
        let target = resolve(document, property);
        Field {
            wire: wire.clone(),
            required: required.is_some_and(|required| required.iter().any(|name| name == wire)),
            nullable: property["nullable"] == true || target["nullable"] == true,
            rule: Rule::read(target),
            holds_types: holds_types(property),
            notes: notes(property),
        }
    });
    Kind::Struct(fields.collect())
}

fn notes(schema: &Value) -> Notes {
    Notes {
        description: schema["description"].as_str().unwrap_or_default().to_owned(),
        default: schema.get("default").map(ToString::to_string),
        pattern: schema["pattern"].as_str().map(ToOwned::to_owned),
        deprecated: schema["deprecated"] == true,
    }
}

/// Whether a value of this schema is, or is made of, generated types.
fn holds_types(schema: &Value) -> bool {
    schema.get("$ref").is_some()
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(holds_types))
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    reference(schema).and_then(|name| document["components"]["schemas"].get(name)).unwrap_or(schema)
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

fn media(holder: &Value) -> impl Iterator<Item = &Value> {
    holder["content"].as_object().into_iter().flatten().map(|(_, media)| media)
}

/// The names of all types that a value of this schema can hold.
fn reach(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = reference(schema)
        && !names.insert(name.to_owned())
    {
        return;
    }
    children(document, schema, &mut |child| reach(document, child, names));
}

fn holds_secret(document: &Value, schema: &Value, seen: &mut BTreeSet<String>) -> bool {
    if let Some(name) = reference(schema)
        && !seen.insert(name.to_owned())
    {
        return false;
    }
    let mut secret = schema["format"] == "password";
    children(document, schema, &mut |child| secret |= holds_secret(document, child, seen));
    secret
}

fn children<'a>(document: &'a Value, schema: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    if reference(schema).is_some() {
        return visit(resolve(document, schema));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            visit(inner);
        }
    }
    for (_, property) in schema["properties"].as_object().into_iter().flatten() {
        visit(property);
    }
}

/// The name of a field or setter for a name on the wire, as the generator spells it.
pub(crate) fn rust_name(wire: &str) -> String {
    let name = wire.to_snake_case();
    if syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { format!("{name}_") }
}
