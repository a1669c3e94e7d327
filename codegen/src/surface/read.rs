//! The surface of a whole document, read before the generator sees it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::operations::read_operation;
use super::reach::{holds, media, reach};
use super::schemas::{kind, notes};
use super::types::{Surface, Type};
use crate::openapi::walk;

impl Surface {
    pub(crate) fn read(document: &Value) -> Self {
        let schemas = document["components"]["schemas"].as_object();
        let mut surface = Self::default();
        let mut sent = BTreeSet::new();
        let mut received = BTreeSet::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in walk::METHODS {
                let Some(operation) = item.get(method) else { continue };
                let (mut sent_here, mut received_here) = (BTreeSet::new(), BTreeSet::new());
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    reach(document, &parameter["schema"], &mut sent_here);
                }
                let mut body = BTreeSet::new();
                for (_, media) in media(&operation["requestBody"]) {
                    reach(document, &media["schema"], &mut body);
                }
                sent_here.extend(body.iter().cloned());
                for (_, response) in operation["responses"].as_object().into_iter().flatten() {
                    for (_, media) in media(response) {
                        reach(document, &media["schema"], &mut received_here);
                    }
                }
                let mut read = read_operation(document, path, method, operation);
                read.body_types = body;
                read.types = sent_here.union(&received_here).cloned().collect();
                surface.operations.push(read);
                sent.append(&mut sent_here);
                received.append(&mut received_here);
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
