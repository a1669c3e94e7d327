//! What a call takes, in Rust's types: parameters and the fields of its body side by side, by the
//! names that lowering has given.

use quote::format_ident;
use syn::visit_mut::VisitMut;
use syn::{Ident, Type, TypePath, parse_quote};

use super::chosen::Chosen;
use crate::finish::member::Member;
use crate::finish::structs::Struct;
use crate::finish::syntax::own_name;
use crate::surface::{Body, Notes, Operation, Parameter, Place, Rule, Surface};

/// Something that a call takes.
pub(super) struct Slot<'a> {
    /// The argument's or the setter's name.
    pub(super) name: Ident,
    pub(super) member: Member<'a>,
    pub(super) source: Source<'a>,
}

pub(super) enum Source<'a> {
    Parameter(&'a Parameter),
    /// A field of the body, and its setter there.
    Field(Ident),
    /// The body.
    Body,
}

/// How a call holds its body.
pub(super) enum Holds {
    /// The operation has none.
    Nothing,
    /// It is there from the beginning.
    Always(Type),
    /// It is there once something was set.
    Maybe(Type),
}

/// All that a call takes: arguments first, in their order.
pub(super) struct Slots<'a> {
    pub(super) all: Vec<Slot<'a>>,
    pub(super) body: Holds,
    /// Whether the body is made of those arguments that are its fields.
    pub(super) made: Option<Ident>,
}

impl<'a> Slots<'a> {
    pub(super) fn of(
        operation: &'a Operation,
        chosen: &Chosen,
        structs: &'a [Struct<'a>],
        surface: &'a Surface,
    ) -> Result<Self, String> {
        let missing =
            |what: &str| format!("progenitor's builder of `{}` has no {what}", operation.name);
        let mut all = Vec::new();
        for (index, parameter) in in_order(operation) {
            let ty = chosen.parameter(index).ok_or_else(|| missing(&parameter.name))?;
            let facts = (&parameter.rule, &parameter.notes);
            let flags = (parameter.required, false);
            let member = Member::new(&parameter.wire, ty, flags, facts, surface);
            let name = format_ident!("{}", parameter.name);
            all.push(Slot { name, member, source: Source::Parameter(parameter) });
        }
        let (mut body, mut made) = (Holds::Nothing, None);
        if let Some(it) = &operation.body {
            let ty = chosen.body().ok_or_else(|| missing("field `body`"))?;
            body = match it.required {
                true => Holds::Always(ty.clone()),
                false => Holds::Maybe(ty.clone()),
            };
            let known = own_name(&ty).and_then(|name| structs.iter().find(|it| it.ident == name));
            if let Some(name) = &it.whole {
                let member = whole(it, ty.clone(), surface);
                all.push(Slot { name: format_ident!("{name}"), member, source: Source::Body });
            } else if it.required {
                made = known.map(|it| it.ident.clone());
            }
            for (of, field, mut member) in known.into_iter().flat_map(|of| {
                of.members(surface).into_iter().map(move |(field, member)| (of, field, member))
            }) {
                let extra = of.extra().filter(|(extra, _)| **extra == field);
                let name = match extra {
                    Some(_) => it.extra.as_ref(),
                    None => it.slots.get(member.wire),
                };
                let Some(name) = name else { continue };
                Outward.visit_type_mut(&mut member.ty);
                let member = member.again(surface);
                let source = Source::Field(of.setter(&field));
                all.push(Slot { name: format_ident!("{name}"), member, source });
            }
        }
        all.sort_by_key(|slot| !slot.member.required);
        Ok(Self { all, body, made })
    }

    pub(super) fn arguments(&self) -> impl Iterator<Item = &Slot<'a>> {
        self.all.iter().filter(|slot| slot.member.required)
    }

    pub(super) fn setters(&self) -> impl Iterator<Item = &Slot<'a>> {
        self.all.iter().filter(|slot| !slot.member.required)
    }

    /// Whether a parameter may be given what it cannot hold.
    pub(super) fn keeps_invalid(&self) -> bool {
        let of_call = |slot: &&Slot<'_>| !matches!(slot.source, Source::Field(_));
        self.all.iter().filter(of_call).any(|slot| slot.member.may_not_fit())
    }
}

/// Path parameters as in the path, then the others as they are listed; each with its place in the
/// list.
fn in_order(operation: &Operation) -> Vec<(usize, &Parameter)> {
    let mut parameters: Vec<(usize, &Parameter)> =
        operation.parameters.iter().enumerate().collect();
    parameters.sort_by_key(|(_, it)| match it.place {
        Place::Path => (0, operation.path.find(&format!("{{{}}}", it.wire))),
        Place::Query => (1, None),
        Place::Header => (2, None),
    });
    parameters
}

fn whole<'a>(body: &Body, ty: Type, surface: &Surface) -> Member<'a> {
    static RULE: std::sync::OnceLock<Rule> = std::sync::OnceLock::new();
    static NOTES: std::sync::OnceLock<Notes> = std::sync::OnceLock::new();
    let notes = NOTES
        .get_or_init(|| Notes { description: "The request body.".to_owned(), ..Notes::default() });
    let facts = (RULE.get_or_init(Rule::default), notes);
    Member::new("body", ty, (body.required, false), facts, surface)
}

/// Writes generated types, which are the only lone names in UpperCamelCase, as seen from outside of
/// their module.
struct Outward;

impl VisitMut for Outward {
    fn visit_type_path_mut(&mut self, path: &mut TypePath) {
        syn::visit_mut::visit_type_path_mut(self, path);
        let Some(name) = path.path.get_ident().cloned() else { return };
        if name.to_string().starts_with(char::is_uppercase) {
            path.path = parse_quote!(types::#name);
        }
    }
}
