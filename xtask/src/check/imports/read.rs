//! What one file defines, imports and uses, read from its syntax tree. Code for tests does not count.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Item, UseTree, Visibility};

/// A path as the code has it, such as `crate::error::Error`.
pub(super) type Path = Vec<String>;

/// One module: a file, or a `mod` inside it.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Names of modules inside the file.
    pub(super) inline: BTreeMap<String, Module>,
    /// Names of items.
    pub(super) items: BTreeSet<String>,
    /// Imported names, and the paths that they stand for.
    pub(super) imports: BTreeMap<String, Path>,
    /// Imports of everything in a module.
    pub(super) globs: Vec<Path>,
    /// Names of re-exports, which are followed to where the item is defined.
    pub(super) reexports: BTreeSet<String>,
    /// Paths in code, and the paths of imports that are not re-exported.
    pub(super) uses: BTreeSet<Path>,
    /// Every name in the code.
    pub(super) names: BTreeSet<String>,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Module, syn::Error> {
    let mut file = syn::parse_file(text)?;
    let mut module = Module::default();
    visit_mut::visit_file_mut(&mut module, &mut file);
    Ok(module)
}

impl VisitMut for Module {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        self.items.extend(name(item));
        match item {
            Item::Use(import) => {
                let is_public = !matches!(import.vis, Visibility::Inherited);
                self.import(&import.tree, &mut Vec::new(), is_public);
            }
            Item::Mod(inner) if inner.content.is_some() => {
                let mut module = Module::default();
                visit_mut::visit_item_mod_mut(&mut module, inner);
                self.inline.insert(inner.ident.to_string(), module);
            }
            _ => visit_mut::visit_item_mut(self, item),
        }
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        let words: Path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if words.len() > 1 && path.leading_colon.is_none() {
            self.uses.insert(words);
        }
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_ident_mut(&mut self, ident: &mut proc_macro2::Ident) {
        self.names.insert(ident.to_string());
    }

    // What `quote!` holds is the code of another package.
    fn visit_macro_mut(&mut self, call: &mut syn::Macro) {
        self.visit_path_mut(&mut call.path);
        let name = call.path.segments.last().map(|segment| segment.ident.to_string());
        if !name.is_some_and(|name| name.contains("quote")) {
            self.visit_token_stream_mut(&mut call.tokens);
        }
    }

    fn visit_token_stream_mut(&mut self, tokens: &mut TokenStream) {
        self.scan(tokens.clone());
    }

    // `pub(in crate::a)` is no import.
    fn visit_visibility_mut(&mut self, _: &mut Visibility) {}
}

impl Module {
    fn import(&mut self, tree: &UseTree, path: &mut Path, is_public: bool) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, is_public);
                path.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, path, is_public));
            }
            UseTree::Glob(_) => {
                self.globs.push(path.clone());
                if !is_public {
                    self.uses.insert(path.clone());
                }
            }
            UseTree::Name(name) => self.import_one(&name.ident, &name.ident, path, is_public),
            UseTree::Rename(name) => self.import_one(&name.ident, &name.rename, path, is_public),
        }
    }

    fn import_one(
        &mut self,
        name: &proc_macro2::Ident,
        alias: &proc_macro2::Ident,
        path: &Path,
        is_public: bool,
    ) {
        let (mut path, mut alias) = (path.clone(), alias.to_string());
        if name == "self" {
            // `use a::{self}` imports `a`.
            if alias == "self" {
                alias = path.last().cloned().unwrap_or_default();
            }
        } else {
            path.push(name.to_string());
        }
        if is_public {
            self.reexports.insert(alias.clone());
        } else {
            self.uses.insert(path.clone());
        }
        self.imports.insert(alias, path);
    }

    /// Paths in the arguments of macros and attributes, which have no syntax tree.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Path::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    self.names.insert(ident.to_string());
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.scan(group.stream());
                }
                // `#[serde(with = "crate::a")]`.
                TokenTree::Literal(literal) => {
                    self.end(&mut path);
                    let text = literal.to_string();
                    let text = text.trim_matches('"');
                    if text.starts_with("crate::") && !text.contains(char::is_whitespace) {
                        self.uses.insert(text.split("::").map(str::to_owned).collect());
                    }
                }
                TokenTree::Punct(_) => self.end(&mut path),
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Path) {
        if path.len() > 1 {
            self.uses.insert(std::mem::take(path));
        }
        path.clear();
    }
}

/// Whether these attributes say `#[cfg(test)]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(code: &str) -> Vec<String> {
        read(code).unwrap().uses.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn imports_paths_and_macros_are_uses() {
        assert_eq!(
            uses("use crate::{a::{self, B as C}, d::*};"),
            ["crate::a", "crate::a::B", "crate::d"]
        );
        assert_eq!(
            uses("fn f() -> crate::a::B { vec![super::c::D::new(1)] }"),
            ["crate::a::B", "super::c::D::new"]
        );
        assert_eq!(uses("#[serde(with = \"crate::a::b\")] struct S;"), ["crate::a::b"]);
        assert_eq!(uses("macro_rules! m { () => { $crate::a::b() } }"), ["crate::a::b"]);
    }

    #[test]
    fn tests_visibilities_comments_and_re_exports_are_not() {
        assert_eq!(uses("#[cfg(test)] mod tests { use crate::a::B; }"), [""; 0]);
        assert_eq!(uses("#[cfg(test)] use crate::a::B;"), [""; 0]);
        assert_eq!(uses("/// [`B`](crate::a::B)\npub(in crate::a) struct S;"), [""; 0]);
        assert_eq!(uses("pub(crate) use self::a::B;"), [""; 0]);
        assert_eq!(uses("fn f() { quote! { crate::a::b() } }"), [""; 0]);
        assert_eq!(uses("#[cfg(not(test))] use crate::a::B;"), ["crate::a::B"]);
    }
}
