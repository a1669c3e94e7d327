//! A document whose schemas are read once each.

use super::resolve::{Node, Resolver};
use super::schema::Schema;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

/// A whole document, with `$ref` followed and `allOf` merged.
pub(in crate::diff) struct Source<'a> {
    resolver: Resolver<'a>,
    schemas: RefCell<HashMap<Vec<usize>, Rc<Schema<'a>>>>,
}

impl<'a> Deref for Source<'a> {
    type Target = Resolver<'a>;

    fn deref(&self) -> &Resolver<'a> {
        &self.resolver
    }
}

impl<'a> Source<'a> {
    pub(in crate::diff) fn new(root: &'a Value) -> Self {
        Self { resolver: Resolver::new(root), schemas: RefCell::default() }
    }

    /// The facts of a schema, read once.
    pub(in crate::diff) fn schema(&self, node: &Node<'a>) -> Rc<Schema<'a>> {
        let known = self.schemas.borrow().get(&node.key()).map(Rc::clone);
        known.unwrap_or_else(|| {
            let schema = Rc::new(Schema::read(&self.resolver, node));
            self.schemas.borrow_mut().insert(node.key(), Rc::clone(&schema));
            schema
        })
    }
}
