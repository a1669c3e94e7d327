//! Small documents of the kinds that generators stumble over: each yields Rust that says what the
//! document says, or one finding that says where and what to do.
//!
//! What they do on the wire is held by `tests/whole/everything.overlay.yml`, which has them too.

#[path = "cases/bodies.rs"]
mod bodies;
#[path = "cases/keys.rs"]
mod keys;
#[path = "cases/names.rs"]
mod names;
#[path = "cases/places.rs"]
mod places;
#[path = "cases/references.rs"]
mod references;
#[path = "cases/schemas.rs"]
mod schemas;
#[path = "cases/values.rs"]
mod values;

use onkernel_codegen::lower::{self, Lowered};
use onkernel_codegen::surface::{Field, Kind, Operation, Struct, Surface, Union};
use onkernel_codegen::{Error, Overlay, Source, finish, generate, load};

/// A document of these paths and schemas, which are YAML.
fn source(paths: &str, schemas: &str) -> Source {
    let indented =
        |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n{}components:\n  schemas:\n{}",
        indented(paths, "  "),
        indented(schemas, "    ")
    );
    Source { name: "api.yml".to_owned(), text }
}

/// One operation that sends and receives values of the schema `Thing`.
fn both_ways(schemas: &str) -> Surface {
    surface(
        "/things:
  post:
    operationId: postThings
    requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } }
    responses: { '200': { description: '', content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }",
        schemas,
    )
}

/// The surface, once its Rust has been made.
fn surface(paths: &str, schemas: &str) -> Surface {
    lowered(paths, schemas).unwrap_or_else(|messages| panic!("{}", messages.join("\n"))).0.surface
}

/// What is found, a line each.
fn findings(paths: &str, schemas: &str) -> String {
    lowered(paths, schemas).err().unwrap_or_default().join("\n")
}

fn lowered(paths: &str, schemas: &str) -> Result<(Lowered, String), Vec<String>> {
    lowered_of(&source(paths, schemas))
}

/// A document as it is lowered, and its Rust; or what is found, a line each.
fn lowered_of(source: &Source) -> Result<(Lowered, String), Vec<String>> {
    let lines = |error: Error| error.problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let document = load(source, &[]).map_err(lines)?;
    let lowered = lower::lower(document.root().clone()).map_err(|findings| {
        findings
            .into_iter()
            .map(|it| document.problem(&it.pointer, it.message, it.help).to_string())
            .collect::<Vec<_>>()
    })?;
    let file = generate::generate(&lowered.document)
        .and_then(|file| finish::finish(file, &lowered.surface))
        .map_err(|message| vec![message])?;
    let rust = prettyplease::unparse(&file);
    Ok((lowered, rust))
}

fn operation<'a>(surface: &'a Surface, method: &str, path: &str) -> &'a Operation {
    let found = surface.operations.iter().find(|it| it.method == method && it.path == path);
    found.unwrap_or_else(|| panic!("no {method} {path}"))
}

fn structure<'a>(surface: &'a Surface, name: &str) -> &'a Struct {
    match surface.types.get(name).map(|it| &it.kind) {
        Some(Kind::Struct(it)) => it,
        other => panic!("{name} is {other:?}"),
    }
}

fn field<'a>(surface: &'a Surface, name: &str, wire: &str) -> &'a Field {
    let fields = &structure(surface, name).fields;
    fields.iter().find(|it| it.wire == wire).unwrap_or_else(|| panic!("no {name}.{wire}"))
}

fn choice<'a>(surface: &'a Surface, name: &str) -> &'a Union {
    match surface.types.get(name).map(|it| &it.kind) {
        Some(Kind::Union(it)) => it,
        other => panic!("{name} is {other:?}"),
    }
}

/// The values of an enum.
fn values<'a>(surface: &'a Surface, name: &str) -> &'a [String] {
    match surface.types.get(name).map(|it| &it.kind) {
        Some(Kind::Enum(values)) => values,
        other => panic!("{name} is {other:?}"),
    }
}
