//! What an OpenAPI document is made of, as far as taking one over has to know: which keys hold
//! facts, which hold words, and what lies below a key. The order of the keys is the order in which
//! new ones are written.

use Kind::{
    Body, Components, Document, Encoding, Field, Header, Info, Media, Operation, Parameter,
    PathItem, Response, Schema, SecurityScheme, Server, ServerVariable, Tag,
};
use Role::{Fact, List, Map, One, Set, Unused, Words};

/// An object of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Document,
    Info,
    Server,
    ServerVariable,
    Tag,
    PathItem,
    Operation,
    Parameter,
    Body,
    Media,
    Encoding,
    Response,
    Header,
    Components,
    SecurityScheme,
    /// Below a parameter, in a list, one of several.
    Schema,
    /// A schema with a name: a component or a property.
    Field,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Taken over as it is.
    Fact,
    /// A list whose order says nothing.
    Set,
    /// Ours.
    Words,
    /// Neither words nor anything that a client uses.
    Unused,
    One(Kind),
    Map(Kind),
    List(Kind),
}

/// What a key of an object holds; none for a key that OpenAPI does not have.
pub(super) fn role(kind: Kind, key: &str) -> Option<Role> {
    keys(kind).iter().find(|(name, _)| *name == key).map(|(_, role)| *role)
}

/// Whether what an object of this kind is for has to be said in any case.
pub(super) fn always_worded(kind: Kind) -> Option<&'static str> {
    match kind {
        Operation => Some("summary"),
        Tag | Response => Some("description"),
        _ => None,
    }
}

/// The keys of an object, in our order.
pub(super) fn keys(kind: Kind) -> &'static [(&'static str, Role)] {
    match kind {
        Document => &[
            ("openapi", Fact),
            ("jsonSchemaDialect", Fact),
            ("info", One(Info)),
            ("servers", List(Server)),
            ("security", Fact),
            ("tags", List(Tag)),
            ("paths", Map(PathItem)),
            ("components", One(Components)),
            ("webhooks", Unused),
            ("externalDocs", Unused),
        ],
        // The document's title and version are its own, too.
        Info => &[
            ("title", Words),
            ("summary", Words),
            ("description", Words),
            ("termsOfService", Words),
            ("contact", Words),
            ("license", Words),
            ("version", Words),
        ],
        Server => &[("url", Fact), ("description", Words), ("variables", Map(ServerVariable))],
        ServerVariable => &[("default", Fact), ("enum", Set), ("description", Words)],
        Tag => &[("name", Fact), ("description", Words), ("externalDocs", Unused)],
        PathItem => &[
            ("summary", Words),
            ("description", Words),
            ("servers", List(Server)),
            ("parameters", List(Parameter)),
            ("get", One(Operation)),
            ("post", One(Operation)),
            ("put", One(Operation)),
            ("patch", One(Operation)),
            ("delete", One(Operation)),
            ("head", One(Operation)),
            ("options", One(Operation)),
            ("trace", One(Operation)),
        ],
        Operation => &[
            ("operationId", Fact),
            ("tags", Set),
            ("summary", Words),
            ("description", Words),
            ("deprecated", Fact),
            ("servers", List(Server)),
            ("security", Fact),
            ("parameters", List(Parameter)),
            ("requestBody", One(Body)),
            ("responses", Map(Response)),
            ("callbacks", Unused),
            ("externalDocs", Unused),
        ],
        Parameter => &[
            ("$ref", Fact),
            ("name", Fact),
            ("in", Fact),
            ("required", Fact),
            ("summary", Words),
            ("description", Words),
            ("deprecated", Fact),
            ("allowEmptyValue", Fact),
            ("style", Fact),
            ("explode", Fact),
            ("allowReserved", Fact),
            ("schema", One(Schema)),
            ("content", Map(Media)),
            ("example", Words),
            ("examples", Words),
        ],
        Body => &[
            ("$ref", Fact),
            ("summary", Words),
            ("description", Words),
            ("required", Fact),
            ("content", Map(Media)),
        ],
        Media => &[
            ("schema", One(Schema)),
            ("encoding", Map(Encoding)),
            ("example", Words),
            ("examples", Words),
        ],
        Encoding => &[
            ("contentType", Fact),
            ("headers", Map(Header)),
            ("style", Fact),
            ("explode", Fact),
            ("allowReserved", Fact),
        ],
        Response => &[
            ("$ref", Fact),
            ("summary", Words),
            ("description", Words),
            ("headers", Map(Header)),
            ("content", Map(Media)),
            ("links", Unused),
        ],
        Header => &[
            ("$ref", Fact),
            ("summary", Words),
            ("description", Words),
            ("required", Fact),
            ("deprecated", Fact),
            ("allowEmptyValue", Fact),
            ("style", Fact),
            ("explode", Fact),
            ("schema", One(Schema)),
            ("content", Map(Media)),
            ("example", Words),
            ("examples", Words),
        ],
        Components => &[
            ("securitySchemes", Map(SecurityScheme)),
            ("schemas", Map(Field)),
            ("parameters", Map(Parameter)),
            ("headers", Map(Header)),
            ("requestBodies", Map(Body)),
            ("responses", Map(Response)),
            ("examples", Unused),
            ("links", Unused),
            ("callbacks", Unused),
        ],
        SecurityScheme => &[
            ("type", Fact),
            ("scheme", Fact),
            ("bearerFormat", Fact),
            ("in", Fact),
            ("name", Fact),
            ("openIdConnectUrl", Fact),
            ("description", Words),
        ],
        Schema | Field => SCHEMA,
    }
}

const SCHEMA: &[(&str, Role)] = &[
    ("type", Set),
    ("format", Fact),
    ("contentEncoding", Fact),
    ("contentMediaType", Fact),
    ("pattern", Fact),
    ("const", Fact),
    ("enum", Set),
    ("minLength", Fact),
    ("maxLength", Fact),
    ("minimum", Fact),
    ("exclusiveMinimum", Fact),
    ("maximum", Fact),
    ("exclusiveMaximum", Fact),
    ("multipleOf", Fact),
    ("minItems", Fact),
    ("maxItems", Fact),
    ("uniqueItems", Fact),
    ("minProperties", Fact),
    ("maxProperties", Fact),
    ("default", Fact),
    ("nullable", Fact),
    ("title", Words),
    // Beside a reference.
    ("summary", Words),
    ("description", Words),
    ("deprecated", Fact),
    ("readOnly", Fact),
    ("writeOnly", Fact),
    ("example", Words),
    ("examples", Words),
    ("propertyNames", One(Schema)),
    ("discriminator", Fact),
    ("oneOf", List(Schema)),
    ("anyOf", List(Schema)),
    ("allOf", List(Schema)),
    ("not", One(Schema)),
    ("if", One(Schema)),
    ("then", One(Schema)),
    ("else", One(Schema)),
    ("items", One(Schema)),
    ("prefixItems", List(Schema)),
    ("contains", One(Schema)),
    ("required", Set),
    ("dependentRequired", Fact),
    ("properties", Map(Field)),
    ("patternProperties", Map(Field)),
    ("additionalProperties", One(Schema)),
    ("unevaluatedProperties", One(Schema)),
    ("$ref", Fact),
    ("$comment", Unused),
    ("externalDocs", Unused),
    ("xml", Unused),
];
