//! The table of a rotation's steps, read from its source.

use crate::files;
use std::collections::HashMap;
use std::path::Path;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprLit, ExprStruct, Item, Lit, Member};

pub(super) const TABLE: &str = "src/rotation/engine/table.rs";
/// Lists that the table names are here, or beside it.
const LISTS: [&str; 2] = [TABLE, "src/rotation/engine/core.rs"];

/// A step, as far as it is drawn.
pub(super) struct Row {
    pub(super) step: String,
    /// How a rotation shows it.
    pub(super) shown: String,
    courses: Vec<String>,
    pub(super) undone_by: Option<String>,
    /// What a person can choose: variants, such as `Deployed` or `StoreHolds Old`.
    pub(super) ways_out: Vec<String>,
    /// It announces the retirement of the old key, after which nothing goes back.
    pub(super) commits: bool,
}

impl Row {
    pub(super) fn is_on(&self, course: &str) -> bool {
        self.courses.iter().any(|it| it == course)
    }
}

/// Reads all rows, in their order.
pub(super) fn read(root: &Path) -> Result<Vec<Row>, String> {
    let mut lists = HashMap::new();
    for file in LISTS {
        let text = files::read_in(root, file)?;
        let parsed = syn::parse_file(&text).map_err(|error| format!("{file}: {error}"))?;
        lists.extend(parsed.items.into_iter().filter_map(|item| match item {
            Item::Const(list) => Some((list.ident.to_string(), *list.expr)),
            _ => None,
        }));
    }
    let steps = lists.get("STEPS").and_then(elements).ok_or("has no list STEPS")?;
    steps.iter().map(|row| row_of(row, &lists)).collect()
}

fn row_of(row: &Expr, lists: &HashMap<String, Expr>) -> Result<Row, String> {
    let Expr::Struct(row) = row else { return Err("STEPS holds something else than rows".into()) };
    let field = |name: &str| field(row, name).ok_or_else(|| format!("a row has no `{name}`"));
    let list = |name: &str| -> Result<Vec<String>, String> {
        let value = field(name)?;
        let list = variant(value).and_then(|name| lists.get(&name)).unwrap_or(value);
        let words = elements(list).and_then(|all| all.iter().map(variant).collect());
        words.ok_or_else(|| format!("`{name}` of a row is not a list of variants"))
    };
    let step = variant(field("step")?).ok_or("`step` of a row is not a variant")?;
    let Expr::Lit(ExprLit { lit: Lit::Str(shown), .. }) = field("shown")? else {
        return Err(format!("`shown` of {step} is not a string"));
    };
    let undone_by = match field("undone_by")? {
        Expr::Call(some) => some.args.first().and_then(variant),
        _ => None,
    };
    Ok(Row {
        shown: shown.value(),
        courses: list("courses")?,
        undone_by,
        ways_out: list("ways_out")?,
        commits: mentions(field("before")?, "Retiring"),
        step,
    })
}

fn field<'a>(row: &'a ExprStruct, name: &str) -> Option<&'a Expr> {
    let named = row.fields.iter().find(|field| match &field.member {
        Member::Named(ident) => ident == name,
        Member::Unnamed(_) => false,
    });
    named.map(|field| &field.expr)
}

/// What stands in `&[…]`.
fn elements(list: &Expr) -> Option<Vec<Expr>> {
    let Expr::Reference(list) = list else { return None };
    let Expr::Array(list) = &*list.expr else { return None };
    Some(list.elems.iter().cloned().collect())
}

/// The last word of a path; of a call that of its argument, too.
fn variant(value: &Expr) -> Option<String> {
    match value {
        Expr::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        Expr::Call(call) => {
            Some(format!("{} {}", variant(&call.func)?, variant(call.args.first()?)?))
        }
        _ => None,
    }
}

/// Whether a name is in the paths of an expression.
fn mentions(value: &Expr, name: &str) -> bool {
    struct Search<'a> {
        name: &'a str,
        found: bool,
    }
    impl VisitMut for Search<'_> {
        fn visit_path_mut(&mut self, path: &mut syn::Path) {
            self.found |= path.segments.iter().any(|segment| segment.ident == self.name);
            visit_mut::visit_path_mut(self, path);
        }
    }
    let mut search = Search { name, found: false };
    search.visit_expr_mut(&mut value.clone());
    search.found
}
