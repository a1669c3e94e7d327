//! Progenitor, and the settings with which it is called.

mod shown;
mod trim;

use std::panic::{AssertUnwindSafe, catch_unwind};

use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle, TypeImpl};
use schemars::schema::{InstanceType, SchemaObject, SingleOrVec};
use serde_json::Value;
use syn::visit_mut::VisitMut;
use syn::{Type, parse_quote};

pub(crate) use shown::parameter;

/// The formats of strings for which the generated crate has a type of its own.
const OURS: [(&str, &str); 3] =
    [("password", "crate::Secret"), ("binary", "crate::Upload"), ("null", NULL)];

/// What the generator is told to write for `null`: it takes a path only, so that the unit type is
/// written in its place.
const NULL: &str = "crate::Null";

/// Has progenitor make types and operation builders from a lowered document.
///
/// # Errors
/// What progenitor says, its panics included: they are its way of rejecting a document.
pub fn generate(document: &Value) -> Result<syn::File, String> {
    let document = shown::shown(document)?;
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_derive("PartialEq");
    for (format, ours) in OURS {
        let schema = SchemaObject {
            instance_type: Some(SingleOrVec::Single(Box::new(InstanceType::String))),
            format: Some(format.to_owned()),
            ..SchemaObject::default()
        };
        settings.with_conversion(schema, ours, std::iter::empty::<TypeImpl>());
    }
    let tokens = catch_unwind(AssertUnwindSafe(|| {
        Generator::new(&settings).generate_tokens(&document).map_err(|error| error.to_string())
    }))
    .map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
    })??;
    let mut file = syn::parse2(trim::trim(tokens))
        .map_err(|error| format!("what it generated is not Rust: {error}"))?;
    Units.visit_file_mut(&mut file);
    Ok(file)
}

/// Writes the unit type.
struct Units;

impl VisitMut for Units {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if matches!(ty, Type::Path(path) if is_null(&path.path)) {
            *ty = parse_quote!(());
        }
        syn::visit_mut::visit_type_mut(self, ty);
    }
}

fn is_null(path: &syn::Path) -> bool {
    path.segments.len() == 2
        && path.segments.iter().map(|it| &it.ident).zip(NULL.split("::")).all(|(a, b)| a == b)
}
