//! Names of every kind, however odd and however alike: no two of a kind meet, and what a document gains
//! later moves no name that was there, or is called major.

#[path = "support/sound.rs"]
mod sound;

use std::collections::{BTreeMap, BTreeSet};

use onkernel_codegen::diff::{Verdict, diff_clients};
use onkernel_codegen::surface::{Kind, Place, Surface};
use onkernel_codegen::{Document, finish, generate, lower};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};
use syn::Item;

/// Names that meet in Rust, that Rust or the generator keeps for itself, that are hardly names.
const ODD: [&str; 48] = [
    "type",
    "Type",
    "@type",
    "$type",
    "TYPE",
    "type_",
    "a_b",
    "aB",
    "a-b",
    "AB",
    "a b",
    "ab",
    "send",
    "Send",
    "set_send",
    "new",
    "clone",
    "fmt",
    "body",
    "client",
    "self",
    "Self",
    "crate",
    "super",
    "gen",
    "async",
    "1st",
    "1_st",
    "",
    "%",
    "+1",
    "-1",
    "größe",
    "日本",
    "extra",
    "value",
    "items",
    "pages",
    "set_type",
    "query_type",
    "body_type",
    "a_b2",
    "a_b_2",
    "Unknown",
    "unknown",
    "None",
    "String",
    "x",
];

const PLACES: [&str; 3] = ["path", "query", "header"];

/// The names of a document, by what they name.
#[derive(Clone, Debug)]
struct Names {
    properties: Vec<&'static str>,
    values: Vec<&'static str>,
    schemas: Vec<&'static str>,
    kinds: Vec<&'static str>,
    operations: Vec<&'static str>,
    parameters: Vec<(&'static str, &'static str)>,
}

fn names() -> impl Strategy<Value = Names> {
    let some = || subsequence(ODD.to_vec(), 1..7);
    let parameter = (select(PLACES.to_vec()), select(ODD.to_vec()));
    (some(), some(), some(), some(), some(), proptest::collection::btree_set(parameter, 1..7))
        .prop_map(|(properties, values, schemas, kinds, operations, parameters)| Names {
            properties,
            values,
            schemas,
            kinds,
            operations,
            parameters: parameters.into_iter().filter(|(_, name)| can_travel(name)).collect(),
        })
}

/// Whether a parameter can be called so.
fn can_travel(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') && !name.is_empty()
}

impl Names {
    /// With one more name somewhere, at any place.
    fn with_more(&self, what: usize, name: &'static str, place: Index) -> Self {
        let mut more = self.clone();
        let lists = [
            &mut more.properties,
            &mut more.values,
            &mut more.schemas,
            &mut more.kinds,
            &mut more.operations,
        ];
        match lists.into_iter().nth(what) {
            Some(list) if !list.contains(&name) => list.insert(place.index(list.len() + 1), name),
            Some(_) => {}
            None => {
                let parameter = (PLACES[what % 3], name);
                if can_travel(name) && !more.parameters.contains(&parameter) {
                    more.parameters.insert(place.index(more.parameters.len() + 1), parameter);
                }
            }
        }
        more
    }

    fn document(&self) -> Value {
        let object = |more: &[(&str, Value)]| {
            let mut properties: Map<String, Value> = Map::new();
            for (name, schema) in more {
                properties.insert((*name).to_owned(), schema.clone());
            }
            json!({ "type": "object", "properties": properties, "additionalProperties": { "type": "integer" } })
        };
        let text = json!({ "type": "string" });
        let of_schemas = |list: &[&'static str], prefix: &str| {
            list.iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>()
        };
        let mut schemas = Map::new();
        let mut references = Vec::new();
        for name in of_schemas(&self.schemas, "") {
            let pointer = name.replace('%', "%25").replace(' ', "%20");
            references.push(json!({ "$ref": format!("#/components/schemas/{pointer}") }));
            let description = format!("schema {name}");
            // No two are of one shape: whoever takes another's name is noticed.
            let own = format!("a{}", ODD.iter().position(|it| *it == name).unwrap_or_default());
            schemas.insert(name, json!({ "description": description, "type": "object", "properties": { own: text } }));
        }
        let properties: Vec<(&str, Value)> =
            self.properties.iter().map(|it| (*it, text.clone())).collect();
        let mut main = object(&properties);
        main["description"] = json!("schema main");
        main["properties"]["all_values"] = json!({ "type": "string", "enum": self.values });
        let kinds = self.kinds.iter().map(|kind| {
            json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "const": kind } } })
        });
        main["properties"]["all_kinds"] = json!({ "oneOf": kinds.collect::<Vec<_>>(), "discriminator": { "propertyName": "kind" } });
        for (index, reference) in references.into_iter().enumerate() {
            main["properties"][format!("schema_{index}")] = reference;
        }
        schemas.insert("Main document".to_owned(), main);
        let in_path = self.parameters.iter().filter(|(place, _)| *place == "path");
        let path: String = in_path.map(|(_, name)| format!("/{{{name}}}")).collect();
        let parameters = self.parameters.iter().map(|(place, name)| {
            json!({ "name": name, "in": place, "required": *place == "path", "schema": { "type": "string" } })
        });
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Main%20document" } } });
        let mut paths = json!({ format!("/main{path}"): { "post": {
            "operationId": "mainPost",
            "tags": ["Main"],
            "parameters": parameters.collect::<Vec<_>>(),
            "requestBody": { "required": true, "content": content },
            "responses": { "200": { "description": "", "content": content } },
        } } });
        for (index, name) in self.operations.iter().enumerate() {
            paths[format!("/operation{index}")] = json!({ "put": {
                "summary": format!("operation {name}"),
                "operationId": name,
                "tags": [name],
                "responses": { "204": { "description": "" } },
            } });
        }
        json!({
            "openapi": "3.1.0",
            "info": { "title": "It", "version": "1" },
            "paths": paths,
            "components": { "schemas": schemas },
        })
    }
}

struct Client {
    document: Document,
    surface: Surface,
    file: syn::File,
}

/// The client of a document, or what is found.
fn client(document: &Value) -> Result<Client, Vec<String>> {
    let document = Document::parse(&document.to_string(), "api.json").unwrap();
    document.check_references().unwrap();
    let lowered = lower::lower(document.root().clone())
        .map_err(|findings| findings.into_iter().map(|it| it.message).collect::<Vec<_>>())?;
    let file = generate::generate(&lowered.document)
        .and_then(|file| finish::finish(file, &lowered.surface))
        .unwrap_or_else(|message| panic!("{message}"));
    Ok(Client { document, surface: lowered.surface, file })
}

impl Client {
    /// What everything is called, by what it is in the document.
    fn names(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for operation in &self.surface.operations {
            // An operation is known by its summary, the main one by having none.
            let of = operation.summary.clone();
            all.insert(format!("{of}: method"), operation.chain());
            // A parameter in the path is an argument: callers give it by its position.
            for parameter in operation.parameters.iter().filter(|it| it.place != Place::Path) {
                let key = format!("{of}: {:?} {}", parameter.place, parameter.wire);
                all.insert(key, parameter.name.clone());
            }
            for (wire, name) in operation.body.iter().flat_map(|body| &body.slots) {
                // Which schema a property of ours stands for changes with their number.
                if !wire.starts_with("schema_") {
                    all.insert(format!("{of}: body {wire}"), name.clone());
                }
            }
        }
        for (name, of) in &self.surface.types {
            let what = of.notes.description.clone();
            if !what.is_empty() {
                all.insert(what.clone(), name.clone());
            }
            match &of.kind {
                Kind::Struct(it) if what == "schema main" => {
                    let fields = it.fields.iter().filter(|it| !it.wire.starts_with("schema_"));
                    all.extend(fields.map(|it| (format!("field {}", it.wire), it.name.clone())));
                }
                Kind::Enum(values) if name.ends_with("AllValues") => {
                    let variants = self.variants(name);
                    all.extend(values.iter().map(|it| format!("value {it}")).zip(variants));
                }
                Kind::Union(it) => {
                    let kinds = it.variants.iter();
                    all.extend(kinds.map(|it| (format!("kind {:?}", it.tags), it.name.clone())));
                }
                _ => {}
            }
        }
        all
    }

    fn variants(&self, of: &str) -> Vec<String> {
        let modules = self.file.items.iter().filter_map(|item| match item {
            Item::Mod(it) => it.content.as_ref(),
            _ => None,
        });
        let mut items = modules.flat_map(|(_, items)| items);
        let found = items.find_map(|item| match item {
            Item::Enum(it) if it.ident == of => Some(it),
            _ => None,
        });
        found.into_iter().flat_map(|it| &it.variants).map(|it| it.ident.to_string()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_two_names_meet(names in names()) {
        match client(&names.document()) {
            Ok(client) => {
                let problems = sound::problems(&client.file);
                prop_assert!(problems.is_empty(), "{}", problems.join("\n"));
            }
            // Two operations of one name are for a person to tell apart.
            Err(findings) => {
                let known = |it: &String| it.contains("would both be called");
                prop_assert!(findings.iter().all(known), "{findings:?}");
            }
        }
    }

    #[test]
    fn what_comes_later_moves_no_name(
        names in names(), what in 0_usize..8, name in select(ODD.to_vec()), place in any::<Index>(),
    ) {
        let (Ok(old), Ok(new)) = (client(&names.document()), client(&names.with_more(what, name, place).document())) else {
            return Ok(());
        };
        let (was, is) = (old.names(), new.names());
        let moved: BTreeSet<_> = was.iter().filter(|(of, name)| is.get(*of) != Some(*name)).collect();
        if !moved.is_empty() {
            let report = diff_clients(&old.document, &new.document);
            prop_assert!(report.verdict == Verdict::Major, "{moved:?}\n{}", report.to_text());
        }
    }
}

/// What is called in the document as it is in Rust is called so whoever comes beside it.
#[test]
fn the_plain_name_stays() {
    let of = |properties: &[&'static str]| {
        let names = Names {
            properties: properties.to_vec(),
            values: vec!["a"],
            schemas: vec![],
            kinds: vec!["a"],
            operations: vec![],
            parameters: vec![("query", "sort")],
        };
        client(&names.document()).ok().unwrap().names()
    };
    for (plain, rust) in [("type", "type_"), ("m", "m"), ("a_b", "a_b"), ("gen", "gen_")] {
        let beside: Vec<&'static str> = ODD.into_iter().chain(["M", "A_B"]).collect();
        let all: Vec<&'static str> =
            beside.into_iter().filter(|it| *it != plain).chain([plain]).collect();
        assert_eq!(of(&[plain])[&format!("field {plain}")], rust);
        assert_eq!(of(&all)[&format!("field {plain}")], rust);
    }
}
