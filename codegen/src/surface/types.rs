//! What the surface is made of.

use std::collections::BTreeMap;

use heck::{ToShoutySnakeCase, ToUpperCamelCase};

use super::relations::Relations;
use super::rule::Rule;
use crate::openapi::Content;

/// The operations and types of a document.
#[derive(Debug, Default)]
pub struct Surface {
    /// In the document's order of paths.
    pub operations: Vec<Operation>,
    /// By name.
    pub types: BTreeMap<String, Type>,
}

/// One call of the generated client.
#[derive(Debug)]
pub struct Operation {
    /// What the generator is shown as its id, unique in the document.
    pub name: String,
    /// The resource that it belongs to, with dots: `browsers.computer`.
    pub resource: String,
    /// The resource's method that makes the call.
    pub call: String,
    /// HTTP method, in capitals.
    pub method: String,
    /// Path template.
    pub path: String,
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
    /// The ways in which it can succeed: one, or several that its response tells apart.
    pub successes: Vec<Success>,
    /// The errors whose body is not the one that most errors have: status and type.
    pub errors: Vec<(String, String)>,
    /// The statuses that the document names, with their descriptions.
    pub statuses: Vec<(String, String)>,
    /// Whether sending it twice does no more than sending it once.
    pub safe: bool,
    /// Whether a successful response holds a secret.
    pub secret_response: bool,
    /// How its pages follow each other.
    pub paging: Option<Paging>,
    /// What holds between its parameters.
    pub relations: Relations,
}

impl Operation {
    /// The name of the builder that the generator makes.
    pub fn type_name(&self) -> String {
        self.name.to_upper_camel_case()
    }

    /// Resource and method: `browsers.computer.click_mouse`.
    pub fn id(&self) -> String {
        format!("{}.{}", self.resource, self.call)
    }

    /// How it is called from a client: `browsers().computer().click_mouse`.
    pub fn chain(&self) -> String {
        let steps = self.resource.split('.').map(|step| format!("{}().", ident(step)));
        format!("{}{}", steps.collect::<String>(), ident(&self.call))
    }

    /// The name of its description.
    pub fn static_name(&self) -> String {
        self.name.to_shouty_snake_case()
    }
}

/// A request body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Whether the operation rejects a request without it.
    pub required: bool,
    /// How it travels.
    pub content: Content,
    /// Its media type.
    pub media_type: String,
    /// The argument or the setter of the call that takes it whole, where there is one.
    pub whole: Option<String>,
    /// The arguments and setters of the call that take a field of it, by the field's name on the wire.
    pub slots: BTreeMap<String, String>,
    /// The setter of the call that takes all else that it may hold.
    pub extra: Option<String>,
    /// The fields of a form of names and strings that are not written in the way of their type.
    pub styles: Vec<(String, Style)>,
}

/// One way to succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// The status, or a class of them such as `2XX`.
    pub status: String,
    /// The status in a word.
    pub name: String,
    /// What the document says of it.
    pub description: String,
    /// What the response holds; nothing if it has no body.
    pub content: Option<Content>,
}

/// Pages that follow each other, announced in headers of the response.
#[derive(Debug, PartialEq, Eq)]
pub struct Paging {
    /// The query parameter that says how much a page holds, and how much it does without it.
    pub limit: Option<(String, Option<u64>)>,
    /// The header that says whether there is more.
    pub has_more: String,
    /// The header that says where the next page begins.
    pub next: String,
    /// The query parameter that selects a page.
    pub parameter: String,
    /// Whether that is a number that grows, or a token that means nothing to the client.
    pub by_offset: bool,
    /// Whether a page is a list, whose items can follow each other.
    pub of_items: bool,
}

/// How a list or an object is written as a string.
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
    /// `a=https://b/c`: the reserved characters that cannot end a value stand as they are.
    Reserved,
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
    /// Its argument or setter.
    pub name: String,
    /// As it is sent.
    pub wire: String,
    /// Where it travels.
    pub place: Place,
    /// How it is written.
    pub style: Style,
    /// Whether it is more than one string, or a list of strings: an object, a choice, a secret.
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
    /// The resource whose calls use it, if they are the only ones.
    pub resource: Option<String>,
    /// Whether a request can hold it.
    pub sent: bool,
    /// Whether a response can hold it.
    pub received: bool,
    /// Whether a form of parts can carry it: as a body, or in one.
    pub in_forms: bool,
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
    Successes(Vec<Success>),
    /// Anything else, with its bounds: an alias or a wrapper, as the generator has it.
    Other(Rule),
}

/// An object with named fields.
#[derive(Debug, Default)]
pub struct Struct {
    /// Its fields, the required ones first, in the order in which the document lists them.
    pub fields: Vec<Field>,
    /// The sets of them of which some must be there.
    pub sets: Option<Sets>,
    /// A map of all else that it can hold, where the document says of what.
    pub extra: Option<Box<Field>>,
    /// What holds between them.
    pub relations: Relations,
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
    /// Its name in Rust.
    pub name: String,
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
    pub tagged_by: Option<String>,
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

/// Whether Rust takes a name as it is.
pub(crate) fn is_identifier(name: &str) -> bool {
    // A keyword of this edition that `syn` does not know.
    name != "gen" && syn::parse_str::<syn::Ident>(name).is_ok()
}

/// A name as an identifier: keywords in their raw form, what not even that can be with a `_`.
pub(crate) fn ident(name: &str) -> syn::Ident {
    if is_identifier(name) {
        return quote::format_ident!("{name}");
    }
    let parsed = syn::parse_str(&format!("r#{name}"));
    parsed.unwrap_or_else(|_| quote::format_ident!("{name}_"))
}
