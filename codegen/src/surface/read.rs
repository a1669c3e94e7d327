//! The surface of a whole document, read before the generator sees it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::operations::{Common, read_operation};
use super::reach::{Users, media, reach, used};
use super::schemas::{kind, notes};
use super::types::{Surface, Type};
use crate::openapi::{Content, Holders, walk};

impl Surface {
    pub(crate) fn read(document: &Value) -> Self {
        let common = Common::read(document);
        let files = Holders::of(document, "binary");
        let mut surface = Self::default();
        let mut users = BTreeMap::new();
        let (mut sent, mut received, mut in_forms) = Default::default();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for method in walk::METHODS {
                let Some(operation) = item.get(method) else { continue };
                let by = Users::One(operation["x-onkernel-resource"].as_str().unwrap_or_default());
                let mut holds = |schema, names: &mut BTreeSet<String>| {
                    reach(document, schema, names);
                    used(document, schema, by, &mut users);
                };
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    holds(&parameter["schema"], &mut sent);
                }
                for (name, media) in media(&operation["requestBody"]) {
                    holds(&media["schema"], &mut sent);
                    if Content::of_request(name, media) == Some(Content::Multipart) {
                        reach(document, &media["schema"], &mut in_forms);
                    }
                }
                for (_, response) in operation["responses"].as_object().into_iter().flatten() {
                    for (_, media) in media(response) {
                        holds(&media["schema"], &mut received);
                    }
                }
                surface.operations.push(read_operation(document, &common, path, method, operation));
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let resource = match users.get(name.as_str()) {
                Some(Users::One(resource)) => Some((*resource).to_owned()),
                Some(Users::Several) | None => None,
            };
            surface.types.insert(
                name.clone(),
                Type {
                    kind: kind(document, schema),
                    notes: notes(schema),
                    resource,
                    sent: sent.contains(name),
                    received: received.contains(name),
                    in_forms: in_forms.contains(name),
                    holds_file: files.hold(schema),
                },
            );
        }
        surface
    }
}
