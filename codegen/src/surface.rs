//! What the generated client must offer, read from the lowered document before the generator sees
//! it: directions, bounds, the three states of a field, what is secret, what is paged.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use serde_json::Value;

pub use crate::lower::Content;

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
    /// Its body, if it has one.
    pub body: Option<Body>,
    /// The ways in which it can succeed: one, or several that its answer tells apart.
    pub answers: Vec<Answer>,
    /// The errors whose body is not the one that most errors have: status and type.
    pub errors: Vec<(String, String)>,
    /// The statuses that the document names, with their descriptions.
    pub statuses: Vec<(String, String)>,
    /// Whether sending it twice does no more than sending it once.
    pub safe: bool,
    /// Whether a successful answer holds a secret.
    pub secret_response: bool,
    /// How its pages follow each other.
    pub paging: Option<Paging>,
    /// The names of all types that its body, parameters and successful answer can hold.
    pub types: BTreeSet<String>,
    /// The names of all types that its body can hold.
    pub body_types: BTreeSet<String>,
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
#[derive(Debug, Clone)]
pub struct Body {
    /// Whether the operation refuses a request without it.
    pub required: bool,
    /// How it travels.
    pub content: Content,
    /// Its media type.
    pub media_type: String,
    /// The fields of a form of names and texts that are not written in the way of their type.
    pub styles: Vec<(String, Style)>,
}

/// One way to succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, or a class of them such as `2XX`.
    pub status: String,
    /// The status in a word.
    pub name: String,
    /// What the document says of it.
    pub description: String,
    /// What the answer holds; nothing if it has no body.
    pub content: Option<Content>,
}

/// Pages that follow each other, announced in headers of the answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Paging {
    /// The query parameter that says how much a page holds, and how much it does without it.
    pub limit: Option<(String, Option<u64>)>,
    /// The header that says whether there is more.
    pub has_more: String,
    /// The header that says where the next page begins.
    pub next: String,
    /// The query parameter that asks for a page.
    pub parameter: String,
    /// Whether that is a number that grows, or a token that means nothing to the client.
    pub by_offset: bool,
    /// Whether a page is a list, whose items can follow each other.
    pub of_items: bool,
}

/// How a list or an object is written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// `a=1&a=2`; the members of an object stand on their own.
    #[default]
    Repeated,
    /// `a=1,2`, with the separator of the style.
    Joined(char),
    /// `a[x]=1&a[y]=2`
    Deep,
    /// `a={"x":1}`
    Json,
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
    /// How it is written.
    pub style: Style,
    /// Whether it is more than one text, or a list of texts: an object, a choice, a secret.
    pub structured: bool,
    /// Whether it must be set.
    pub required: bool,
    /// Its bounds.
    pub rule: Rule,
    /// Whether it holds generated types, which have bounds of their own.
    pub holds_types: bool,
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
    /// Whether it holds a file, so that only a form can carry it.
    pub holds_file: bool,
}

/// The kinds of generated types.
#[derive(Debug)]
pub enum Kind {
    /// An object with named fields.
    Struct(Struct),
    /// A string that is one of some.
    Enum(Vec<String>),
    /// A value of one of several types.
    Union(Union),
    /// The ways in which an operation can succeed.
    Answers(Vec<Answer>),
    /// Anything else, with its bounds: an alias or a wrapper, as the generator has it.
    Other(Rule),
}

/// An object with named fields.
#[derive(Debug, Default)]
pub struct Struct {
    /// Its fields.
    pub fields: Vec<Field>,
    /// The sets of them of which some must be there.
    pub sets: Option<Sets>,
    /// A map of all else that it can hold, where the document says of what.
    pub extra: Option<Box<Field>>,
}

/// Sets of fields that must be there together.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Sets {
    /// Whether exactly one set must be there, or at least one.
    pub exactly: bool,
    /// The names of the fields, as they are sent.
    pub sets: Vec<Vec<String>>,
}

/// A choice between types.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Union {
    /// The property that says which; without it the shape of the value does.
    pub tag: Option<String>,
    /// Whether that property stands beside the value instead of inside it.
    pub beside: bool,
    /// The types.
    pub variants: Vec<Variant>,
}

/// One type of a choice.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Variant {
    /// Its name in Rust.
    pub name: String,
    /// The property under which the generator was shown its type.
    pub property: String,
    /// What the tag says for it.
    pub tags: Vec<String>,
    /// Whether the type has the tag among its own fields.
    pub tagged_inside: bool,
    /// What a value of it looks like.
    pub shape: Shape,
    /// The bounds of a value of it.
    #[serde(skip)]
    pub rule: Rule,
    /// Whether it holds generated types, which have bounds of their own.
    #[serde(skip)]
    pub holds_types: bool,
}

/// What a value must look like to be of a type.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Shape {
    /// Its type in JSON, if the document says it.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The properties that it has.
    pub required: Vec<String>,
    /// The properties that it may have.
    pub known: Vec<String>,
    /// The strings that a property may be.
    pub values: BTreeMap<String, Vec<String>>,
    /// The strings that it may be itself.
    pub strings: Vec<String>,
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
    /// The field beside it that says of which type its value is.
    pub told_by: Option<String>,
    /// How a form carries it.
    pub part: Part,
    /// What the document says of it.
    pub notes: Notes,
}

/// How a form carries a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// As one JSON value of this media type, where the document says so.
    pub media_type: Option<String>,
    /// Whether the items of a list share one name instead of being numbered.
    pub unnumbered: bool,
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
    /// The numbers, or booleans as 0 and 1, that it may be.
    pub one_of: Vec<f64>,
    /// The bounds of each name of a map.
    pub keys: Option<Box<Rule>>,
    /// The bounds of each item of a list, or of each value of a map.
    pub items: Option<Box<Rule>>,
}

impl Rule {
    fn read(schema: &Value) -> Self {
        let number = |key: &str| schema[key].as_f64();
        let count = |key: &str| schema[key].as_u64();
        let inner = |key: &str| {
            let rule = Self::read(schema.get(key)?);
            (!rule.is_none()).then(|| Box::new(rule))
        };
        let values = schema["enum"].as_array().into_iter().flatten();
        let value = |value: &Value| {
            value.as_f64().or_else(|| value.as_bool().map(|it| f64::from(u8::from(it))))
        };
        Self {
            minimum: number("minimum"),
            exclusive_minimum: schema["exclusiveMinimum"] == true,
            maximum: number("maximum"),
            exclusive_maximum: schema["exclusiveMaximum"] == true,
            multiple_of: number("multipleOf").filter(|step| *step > 0.0),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems").or_else(|| count("minProperties")),
            max_items: count("maxItems").or_else(|| count("maxProperties")),
            one_of: values.filter_map(value).collect(),
            keys: inner("propertyNames"),
            items: inner("items").or_else(|| inner("additionalProperties")),
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
        let values = (!self.one_of.is_empty()).then(|| {
            let values: Vec<_> = self.one_of.iter().map(ToString::to_string).collect();
            format!("one of {}", values.join(", "))
        });
        let inner = |rule: &Option<Box<Self>>, of: &str| {
            rule.as_ref().and_then(|rule| rule.words()).map(|words| format!("each {of} {words}"))
        };
        let (keys, each) = (inner(&self.keys, "name"), inner(&self.items, "item"));
        let words: Vec<_> =
            [numbers, step, values, characters, items, keys, each].into_iter().flatten().collect();
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
                let mut body = BTreeSet::new();
                for (_, media) in media(&operation["requestBody"]) {
                    reach(document, &media["schema"], &mut body);
                }
                asked.extend(body.iter().cloned());
                for (_, response) in operation["responses"].as_object().into_iter().flatten() {
                    for (_, media) in media(response) {
                        reach(document, &media["schema"], &mut answered);
                    }
                }
                let mut read = read_operation(document, path, method, operation);
                read.body_types = body;
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
                    holds_file: holds(document, schema, "binary", &mut BTreeSet::new()),
                },
            );
        }
        surface
    }
}

impl Surface {
    /// The structs that a form of parts can carry: its bodies, and what they hold.
    pub(crate) fn in_forms(&self) -> BTreeSet<String> {
        let forms = self
            .operations
            .iter()
            .filter(|it| it.body.as_ref().is_some_and(|body| body.content == Content::Multipart));
        forms.flat_map(|it| &it.body_types).cloned().collect()
    }
}

fn read_operation(document: &Value, path: &str, method: &str, it: &Value) -> Operation {
    let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let parameters = it["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.filter_map(|it| read_parameter(document, it));
    let parameters: Vec<Parameter> = parameters.collect();
    let responses = it["responses"].as_object();
    let successes = responses.into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
    let answers: Vec<Answer> =
        successes.clone().map(|(status, response)| read_answer(status, response)).collect();
    let secret_response = successes
        .clone()
        .flat_map(|(_, response)| media(response))
        .any(|(_, media)| holds(document, &media["schema"], "password", &mut BTreeSet::new()));
    let paging = successes.clone().find_map(|(_, response)| read_paging(response, it));
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
        body: it.get("requestBody").and_then(|it| read_body(document, it)),
        answers,
        errors: read_errors(document, it),
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
        secret_response,
        paging,
        types: BTreeSet::new(),
        body_types: BTreeSet::new(),
    }
}

fn read_body(document: &Value, it: &Value) -> Option<Body> {
    let (name, media) = media(it).next()?;
    let properties = resolve(document, &media["schema"])["properties"].as_object();
    let styles = properties.into_iter().flatten().filter_map(|(name, property)| {
        let style = match property.get("x-onkernel-encoding") {
            Some(encoding) => read_style(encoding),
            None => property.get("x-onkernel-part").map(|_| Style::Json)?,
        };
        Some((name.clone(), style))
    });
    Some(Body {
        styles: styles.collect(),
        required: it["required"] == true,
        content: Content::of_request(name, media)?,
        media_type: name.clone(),
    })
}

fn read_answer(status: &str, response: &Value) -> Answer {
    Answer {
        status: status.to_owned(),
        name: crate::lower::reason(status),
        description: response["description"].as_str().unwrap_or_default().to_owned(),
        content: media(response).next().and_then(|(name, media)| Content::of_answer(name, media)),
    }
}

/// Pages are announced by two headers, whether there is more and what comes next, of which the
/// second is named as the query parameter that asks for it.
fn read_paging(response: &Value, operation: &Value) -> Option<Paging> {
    let headers = response["headers"].as_object()?;
    let (has_more, _) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("X-Has-More"))?;
    headers.iter().find_map(|(next, _)| {
        let parameter = next.to_snake_case().strip_prefix("x_next_")?.to_owned();
        let asks = |name: &str| {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.find(|it| it["in"] == "query" && it["name"] == name)
        };
        let limit = asks("limit").filter(|it| it["schema"]["type"] == "integer");
        let asks = asks(&parameter)?;
        let media = media(response).next().map(|(_, media)| media)?;
        Some(Paging {
            limit: limit.map(|it| ("limit".to_owned(), it["schema"]["default"].as_u64())),
            has_more: has_more.clone(),
            next: next.clone(),
            parameter,
            by_offset: asks["schema"]["type"] == "integer",
            of_items: media["schema"]["type"] == "array",
        })
    })
}

/// The errors that say more, or something else, than most errors of the document.
fn read_errors(document: &Value, operation: &Value) -> Vec<(String, String)> {
    fn bodies(operation: &Value) -> impl Iterator<Item = (&String, &str)> {
        let responses = operation["responses"].as_object().into_iter().flatten();
        responses.filter(|(status, _)| !status.starts_with('2')).flat_map(|(status, response)| {
            media(response)
                .filter_map(move |(_, media)| Some((status, reference(&media["schema"])?)))
        })
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, item) in document["paths"].as_object().into_iter().flatten() {
        for operation in crate::lower::walk::METHODS.iter().filter_map(|method| item.get(method)) {
            bodies(operation).for_each(|(_, name)| *counts.entry(name).or_default() += 1);
        }
    }
    let common = counts.iter().max_by_key(|(_, count)| **count).map(|(name, _)| *name);
    bodies(operation)
        .filter(|(_, name)| Some(*name) != common)
        .map(|(status, name)| (status.clone(), name.to_owned()))
        .collect()
}

/// The style of a parameter, or of a property of a form that is written like one.
fn read_style(it: &Value) -> Style {
    match it["style"].as_str() {
        Some("json") => Style::Json,
        Some("deepObject") => Style::Deep,
        Some("spaceDelimited") => Style::Joined(' '),
        Some("pipeDelimited") => Style::Joined('|'),
        Some("simple") => Style::Joined(','),
        _ if it["explode"] == false => Style::Joined(','),
        _ => Style::Repeated,
    }
}

/// Whether a parameter of this schema is one text, or in the query a list of them, as its Rust type
/// shows itself.
fn is_text(document: &Value, schema: &Value, place: Place) -> bool {
    let schema = resolve(document, schema);
    let in_query = place == Place::Query;
    match schema["type"].as_str() {
        Some("boolean" | "integer" | "number") => true,
        Some("string") => match schema["format"].as_str() {
            Some("password" | "binary") => false,
            Some("date-time") => in_query,
            _ => true,
        },
        Some("array") => {
            let items = &schema["items"];
            let nested = items["nullable"] == true || resolve(document, items)["type"] == "array";
            in_query && !nested && is_text(document, items, place)
        }
        _ => schema["enum"][0].is_string(),
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
    let style = match place {
        Place::Query => read_style(it),
        _ if it["style"] == "json" => Style::Json,
        _ => Style::Joined(','),
    };
    let usual = if place == Place::Query { Style::Repeated } else { Style::Joined(',') };
    let structured = style != usual || !is_text(document, schema, place);
    Some(Parameter {
        wire: it["name"].as_str()?.to_owned(),
        place,
        style,
        structured,
        required: it["required"] == true,
        rule: field_rule(schema),
        holds_types: holds_types(schema) && (structured || schema.get("$ref").is_none()),
        notes,
    })
}

fn kind(document: &Value, schema: &Value) -> Kind {
    let annotation = |key: &str| schema.get(key).cloned();
    if let Some(mut union) =
        annotation("x-onkernel-union").and_then(|it| serde_json::from_value(it).ok())
    {
        let Union { variants, .. } = &mut union;
        for variant in variants {
            let property = &schema["properties"][variant.property.as_str()];
            variant.rule = field_rule(property);
            variant.holds_types = holds_types(property);
        }
        return Kind::Union(union);
    }
    if let Some(answers) = schema["x-onkernel-answers"].as_array() {
        return Kind::Answers(answers.iter().filter_map(read_variant).collect());
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| values[0].is_string()) {
        return Kind::Enum(
            values.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        );
    }
    let Some(properties) = schema["properties"].as_object().filter(|it| !it.is_empty()) else {
        return Kind::Other(Rule::read(schema));
    };
    let sets = annotation("x-onkernel-sets").and_then(|it| serde_json::from_value(it).ok());
    let required = schema["required"].as_array();
    let fields = properties.iter().map(|(wire, property)| {
        let target = resolve(document, property);
        Field {
            wire: wire.clone(),
            required: required.is_some_and(|required| required.iter().any(|name| name == wire)),
            nullable: property["nullable"] == true || target["nullable"] == true,
            rule: field_rule(property),
            holds_types: holds_types(property),
            told_by: told_by(target),
            part: Part {
                media_type: property["x-onkernel-part"].as_str().map(ToOwned::to_owned),
                unnumbered: property["x-onkernel-items"] == "unnumbered",
            },
            notes: notes(property),
        }
    });
    let extra = schema["additionalProperties"].is_object().then(|| Box::new(read_extra(schema)));
    Kind::Struct(Struct { fields: fields.collect(), sets, extra })
}

/// The map of what an object holds beside its fields.
fn read_extra(schema: &Value) -> Field {
    let values = &schema["additionalProperties"];
    let mut notes = notes(values);
    if notes.description.is_empty() {
        "What there is besides the fields, by name.".clone_into(&mut notes.description);
    }
    let Rule { keys, items, .. } = Rule::read(schema);
    Field {
        wire: "extra".to_owned(),
        required: false,
        nullable: false,
        rule: Rule { keys, items, ..Rule::default() },
        holds_types: holds_types(values),
        told_by: None,
        part: Part::default(),
        notes,
    }
}

fn read_variant(it: &Value) -> Option<Answer> {
    Some(Answer {
        status: it["status"].as_str()?.to_owned(),
        name: it["name"].as_str()?.to_owned(),
        description: it["description"].as_str().unwrap_or_default().to_owned(),
        content: match it["content"].as_str()? {
            "json" => Some(Content::Json),
            "events" => Some(Content::Events),
            "bytes" => Some(Content::Bytes),
            _ => None,
        },
    })
}

/// The field beside a value that says which of a choice it is.
fn told_by(target: &Value) -> Option<String> {
    let union = &target["x-onkernel-union"];
    let tag = union["tag"].as_str().filter(|_| union["beside"] == true);
    tag.map(ToOwned::to_owned)
}

/// The bounds of a field; those of a generated type are checked by the type itself.
fn field_rule(property: &Value) -> Rule {
    if property.get("$ref").is_some() { Rule::default() } else { Rule::read(property) }
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

fn media(holder: &Value) -> impl Iterator<Item = (&String, &Value)> {
    holder["content"].as_object().into_iter().flatten()
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

/// Whether a value of this schema can hold a string of a format.
fn holds(document: &Value, schema: &Value, format: &str, seen: &mut BTreeSet<String>) -> bool {
    if let Some(name) = reference(schema)
        && !seen.insert(name.to_owned())
    {
        return false;
    }
    let mut found = schema["format"] == format;
    children(document, schema, &mut |child| found |= holds(document, child, format, seen));
    found
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
