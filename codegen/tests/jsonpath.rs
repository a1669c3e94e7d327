//! Targets of overlay actions: RFC 9535, as another implementation understands it.

use onkernel_codegen::{Document, Overlay};
use proptest::prelude::*;
use serde_json::{Value, json};
use serde_json_path::{JsonPath, PathElement};

/// An overlay that removes what the target selects.
fn removal(target: &str) -> String {
    let action = json!({"target": target, "remove": true, "x-onkernel-optional": "as it comes"});
    let info = json!({"title": "T", "version": "1"});
    json!({"overlay": "1.0.0", "info": info, "actions": [action]}).to_string()
}

fn document(root: &Value) -> Document {
    Document::parse(&root.to_string(), "api.json").unwrap()
}

/// What is left of a value without the places that a target selects, and how many they were.
fn ours(target: &str, root: &Value) -> Result<(usize, Value), String> {
    let overlay = Overlay::parse(&removal(target), "o.json").map_err(|it| it.to_string())?;
    let mut document = document(root);
    let report = overlay.apply(&mut document).map_err(|it| it.to_string())?;
    Ok((report.actions[0].matched, document.root().clone()))
}

/// The same by `serde_json_path`.
fn theirs(target: &str, root: &Value) -> Result<(usize, Value), String> {
    let path = JsonPath::parse(target).map_err(|it| it.to_string())?;
    let nodes = path.query_located(root).dedup();
    let pointer = |element: &PathElement<'_>| match element {
        PathElement::Name(name) => (0, format!("/{}", name.replace('~', "~0").replace('/', "~1"))),
        PathElement::Index(index) => (*index, format!("/{index}")),
    };
    let mut places: Vec<Vec<_>> =
        nodes.locations().map(|it| it.iter().map(pointer).collect()).collect();
    places.sort();
    let mut left = root.clone();
    for place in places.iter().rev() {
        let Some(((index, last), parent)) = place.split_last() else {
            return Err("the whole document cannot be removed".to_owned());
        };
        let parent: String = parent.iter().map(|(_, step)| step.as_str()).collect();
        match left.pointer_mut(&parent) {
            Some(Value::Object(members)) => {
                members.remove(&last[1..].replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(items)) => {
                items.remove(*index);
            }
            _ => {}
        }
    }
    Ok((places.len(), left))
}

fn root() -> Value {
    json!({
        "openapi": "3.1.0",
        "paths": {
            "/a/{id}": { "get": { "tags": ["A", "B"], "n": 1 }, "x y": null },
            "é\n": [0, 1, 1.0, -2.5, "1", true, [], [[3]], { "a": { "a": 1 } }]
        },
        "a": { "b": [{ "a": 1, "b": "abc" }, { "a": 2 }, { "a": null, "c": [1, 2, 3] }], "c": "" },
        "'": { "\"": "\\", "\u{1f600}": 9007199254740991_i64 }
    })
}

/// Every construct of the grammar, and what comes close to one.
const TARGETS: &[&str] = &[
    // Segments.
    "$",
    "",
    " $",
    "$ ",
    "@",
    "$a",
    "$.a",
    "$ .a",
    "$. a",
    "$.\n a",
    "$\t\r\n.a\n['b']",
    "$.a.b.a",
    "$..a",
    "$.. a",
    "$..",
    "$...a",
    "$..*",
    "$.*",
    "$.*.*",
    "$..[0]",
    "$..['a', 'b']",
    "$.a..b[*]",
    "$.1",
    "$.é",
    "$._",
    "$.a-b",
    "$.a_1",
    "$.",
    "$[",
    "$[]",
    "$[ ]",
    "$[,]",
    "$['a',]",
    "$['a' 'b']",
    "$['a'",
    "$['a']]",
    // Names.
    "$['a']",
    "$[\"a\"]",
    "$[ 'a' , \"'\" ]",
    "$[a]",
    "$['a\"]",
    "$['\\'']",
    "$[\"'\"]",
    "$['\\\"']",
    "$[\"\\'\"]",
    "$.*['\\\"']",
    "$.*[\"\\\"\"]",
    "$.paths['\\u00e9\\n']",
    "$.paths['\\u00E9\\u000a']",
    "$.*['\u{1f600}']",
    "$['\\ud83d']",
    "$['\\ude00']",
    "$['\\ud83d\\u0061']",
    "$['\\u00g1']",
    "$['\\u+123']",
    "$['\\u12']",
    "$['\\x']",
    "$['\\a']",
    "$['\\/']",
    "$['\\\\']",
    "$['\\b\\f\\r\\t']",
    "$['\n']",
    "$['\\",
    "$['",
    "$['/a/{id}']",
    "$.paths['/a/{id}']['x y']",
    "$['']",
    // Positions.
    "$..[1]",
    "$..[-1]",
    "$..[-9]",
    "$..[9]",
    "$[01]",
    "$[-0]",
    "$[-01]",
    "$[-]",
    "$[1.0]",
    "$[1e0]",
    "$[+1]",
    "$[9007199254740991]",
    "$[9007199254740992]",
    "$[-9007199254740991]",
    "$[-9007199254740992]",
    "$[99999999999999999999]",
    "$..[:]",
    "$..[::]",
    "$..[1:]",
    "$..[:1]",
    "$..[1:3]",
    "$..[::2]",
    "$..[::-1]",
    "$..[::0]",
    "$..[5:1:-2]",
    "$..[-2:]",
    "$..[:-2]",
    "$..[-3:-1]",
    "$..[1:-9]",
    "$..[-9:9:3]",
    "$..[9:-9:-3]",
    "$..[ 1 : 3 : 1 ]",
    "$..[1 :3]",
    "$..[:::]",
    "$..[1:a]",
    "$..[0, 2, 0]",
    "$..[0, 1:, 'a', *]",
    "$..[0:9007199254740992]",
    "$..[0:1:01]",
    "$..[1:2:9007199254740991]",
    // Filters.
    "$..[?@]",
    "$..[? @ ]",
    "$..[?@.a]",
    "$..[?!@.a]",
    "$..[?! @.a]",
    "$..[?!!@.a]",
    "$..[?(@.a)]",
    "$..[?!(@.a)]",
    "$..[?((@.a))]",
    "$..[?(@.a]",
    "$..[?@.a)]",
    "$..[?]",
    "$..[?a]",
    "$[?$]",
    "$[?$.a.b]",
    "$[?$.z]",
    "$..[?@.a, ?@.b]",
    "$..[?@.a && @.b]",
    "$..[?@.a&&@.b]",
    "$..[?@.a || @.c]",
    "$..[?@.c||@.a&&@.b]",
    "$..[?(@.c || @.a) && @.b]",
    "$..[?@.a & @.b]",
    "$..[?@.a and @.b]",
    "$..[?@.a &&]",
    "$..[?|| @.a]",
    "$..[?@[?@.a]]",
    "$..[?@[?@[0]]]",
    "$..[?@..a]",
    "$..[?@.*]",
    "$..[?@['a', 'b']]",
    // Comparisons.
    "$..[?@ == 1]",
    "$..[?@==1]",
    "$..[?1 == @]",
    "$..[?@ == 1.0]",
    "$..[?@ == 1e0]",
    "$..[?@ == 10E-1]",
    "$..[?@ == -2.5]",
    "$..[?@ == -0]",
    "$..[?@ == 01]",
    "$..[?@ == 1.]",
    "$..[?@ == .5]",
    "$..[?@ == +1]",
    "$..[?@ == 1e]",
    "$..[?@ == -]",
    "$..[?@ == 9007199254740991]",
    "$..[?@ == '1']",
    "$..[?@ == \"abc\"]",
    "$..[?@ == true]",
    "$..[?@ == false]",
    "$..[?@ == null]",
    "$..[?@ == True]",
    "$..[?@ == nul]",
    "$..[?@ == nulll]",
    "$..[?@ == []]",
    "$..[?@ == {}]",
    "$..[?@.a == @.b]",
    "$..[?@.y == @.z]",
    "$..[?@.a != @.z]",
    "$..[?@.a == null]",
    "$..[?@ < 1]",
    "$..[?@ <= 1]",
    "$..[?@ > 1]",
    "$..[?@ >= 1]",
    "$..[?@ < 'b']",
    "$..[?@ >= 'A']",
    "$..[?@ <= null]",
    "$..[?@ <= true]",
    "$..[?@ < true]",
    "$..[?@.y < @.z]",
    "$..[?@ == $.a.b[0].a]",
    "$..[?@ == $.a.b[2]['c']]",
    "$..[?@ == $..a]",
    "$..[?@.* == 1]",
    "$..[?@['a','b'] == 1]",
    "$..[?@[0:1] == 1]",
    "$..[?@ = 1]",
    "$..[?@ === 1]",
    "$..[?@ <> 1]",
    "$..[?@ == 1 == 1]",
    "$..[?1]",
    "$..[?'a']",
    "$..[?true]",
    "$..[?1 == 1]",
    "$..[?!1 == 1]",
    "$..[?!@.a == 1]",
    "$..[?!(@.a == 1)]",
    "$..[?(@.a) == 1]",
    "$..[?@.a == (1)]",
    "$..[?@.a == 1 && @.b == 'abc']",
    "$..[?@.a==1||@.a==2]",
    "$..[?\n@.a\t==\r1 ]",
    // Functions.
    "$..[?length(@) == 3]",
    "$..[?length( @ ) > 0]",
    "$..[?length (@) == 3]",
    "$..[?length(@.b) == 3]",
    "$..[?length('abc') == 3]",
    "$..[?length(1) == 3]",
    "$..[?length(@.z) == @.y]",
    "$..[?length(@)]",
    "$..[?length() == 1]",
    "$..[?length(@, @) == 1]",
    "$..[?length(@.*) == 3]",
    "$..[?length(@..a) == 3]",
    "$..[?length(value(@..a)) == 3]",
    "$..[?!length(@) == 1]",
    "$..[?3 == length(@)]",
    "$..[?length(@) == length(@.c)]",
    "$..[?count(@.*) == 2]",
    "$..[?count(@..a) > 1]",
    "$..[?count(@['a','a']) == 2]",
    "$..[?count(1) == 1]",
    "$..[?count('a') == 1]",
    "$..[?count(@.*)]",
    "$..[?count($..a) == 5]",
    "$..[?count(length(@)) == 1]",
    "$..[?count() == 1]",
    "$..[?value(@..a) == 1]",
    "$..[?value(@.*) == @.a]",
    "$..[?value(@.a)]",
    "$..[?value(1) == 1]",
    "$..[?value($.z) == @.z]",
    "$..[?match(@, 'a.c')]",
    "$..[?match(@, 'a')]",
    "$..[?match(@.b, \"[a-c]+\")]",
    "$..[?!match(@.b, 'x')]",
    "$..[?match(@, 'a|abc')]",
    "$..[?match(@, '(')]",
    "$..[?match(@, 1)]",
    "$..[?match(1, '1')]",
    "$..[?match(@, $.a.c)]",
    "$..[?match(@)]",
    "$..[?match(@, 'a', 'b')]",
    "$..[?match(@, 'a') == true]",
    "$..[?true == match(@, 'a')]",
    "$..[?length(match(@, 'a')) == 1]",
    "$..[?match( @ , 'a.*' )]",
    "$..[?match (@, 'a')]",
    "$..[?match(@.*, 'a')]",
    "$..[?search(@, 'b')]",
    "$..[?search(@, '^b')]",
    "$..[?search(@, '\\\\p{Lu}')]",
    "$..[?search(@, '.')]",
    "$..[?search(@, $.a.b[0].b)]",
    "$..[?search(@, '[')]",
    "$..[?foo(@)]",
    "$..[?foo(@) == 1]",
    "$..[?Length(@) == 1]",
    "$..[?@.a == length(@.b) || search(@.b, 'z') && count(@.*) == 1]",
];

#[test]
fn every_construct_selects_what_the_standard_says() {
    let root = root();
    for target in TARGETS {
        let (ours, theirs) = (ours(target, &root), theirs(target, &root));
        match (&ours, &theirs) {
            (Err(_), Err(_)) => {}
            _ => assert_eq!(ours, theirs, "{target}"),
        }
    }
}

/// Where the other implementation is not what it is held to here.
#[test]
fn the_standard_decides_where_the_other_implementation_does_not_follow_it() {
    let count = |target: &str| ours(target, &root()).unwrap().0;
    // Two surrogates are one character (2.3.1.2).
    assert_eq!(count("$.*['\\ud83d\\ude00']"), 1);
    // An index from the end is one place at most (2.3.5.1).
    assert_eq!(count("$..[?@ == $['a']['b'][-2]]"), 1);
    // Nothing equals nothing, and so is less or equal (2.3.5.2.2).
    assert_eq!(count("$.a[?@.y <= @.z]"), 2);
    assert_eq!(count("$.a[?@.y >= @.z]"), 2);
    assert_eq!(count("$.a[?@.y < @.z || @.y > @.z]"), 0);
    // Only numbers and texts have an order (2.3.5.2.2).
    assert_eq!(count("$[?@ > $.a || @ < $.a]"), 0);
    assert_eq!(count("$[?@ >= $.a || @ <= $.a]"), 1);
    assert_eq!(count("$..[?@ >= true]"), 1);
    assert_eq!(count("$..[?@ > false]"), 0);
}

#[test]
fn an_error_says_where_a_target_stops_being_one() {
    let rest = |target: &str| {
        let error = ours(target, &root()).unwrap_err();
        let (_, rest) = error.split_once(", from `").unwrap_or_default();
        rest.split_once("` on").unwrap_or_default().0.to_owned()
    };
    assert_eq!(rest("$.paths[/a]"), "/a]");
    assert_eq!(rest("$.paths['/a'].get.parameters[?@.name = 'q']"), "= 'q']");
    assert_eq!(rest("$.a[?@.b == 'c' and @.d]"), "and @.d]");
    assert_eq!(rest("$.a[?length(@.*) == 1]"), "@.*) == 1]");
    assert_eq!(rest("$.a[?size(@) == 1]"), "size(@) == 1]");
    assert_eq!(rest("$.a.b c"), " c");
    assert_eq!(rest("$.a['b\\x']"), "\\x']");
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "paths"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let single = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-2..4_i64).prop_map(Value::from),
        prop::sample::select(vec![0.5, 1.0, -2.5]).prop_map(Value::from),
        prop::sample::select(vec!["", "a", "ab", "1"]).prop_map(Value::from),
    ];
    single.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A query, and now and then what is none.
fn query(root: &'static str) -> BoxedStrategy<String> {
    let position =
        || prop_oneof![3 => (-3..4_i64).prop_map(|it| it.to_string()), 1 => Just(String::new())];
    let simple = prop_oneof![
        name().prop_map(|name| format!(".{name}")),
        name().prop_map(|name| format!("['{name}']")),
        (0..3_i64).prop_map(|index| format!("[{index}]")),
        Just(".*".to_owned()),
        name().prop_map(|name| format!("..{name}")),
        Just("..*".to_owned()),
        (position(), position(), position()).prop_map(|(a, b, c)| format!("[{a}:{b}:{c}]")),
        (name(), position()).prop_map(|(name, at)| format!("[\"{name}\", {at}]")),
    ];
    let path = move |of: &'static str, segments: Vec<String>| format!("{of}{}", segments.concat());
    let inner = || {
        let of = prop::sample::select(vec!["@", "$"]);
        (of, prop::collection::vec(simple.clone(), 0..3)).prop_map(move |(of, it)| path(of, it))
    };
    let singular = || {
        let step = prop_oneof![
            name().prop_map(|name| format!(".{name}")),
            (0..3_i64).prop_map(|index| format!("[{index}]")),
        ];
        let of = prop::sample::select(vec!["@", "$"]);
        (of, prop::collection::vec(step, 0..3)).prop_map(move |(of, it)| path(of, it))
    };
    let literal = prop::sample::select(vec!["null", "1", "1.0", "-2.5", "'a'", "true", "''", "2"]);
    let operand = prop_oneof![
        3 => singular(),
        3 => literal.prop_map(str::to_owned),
        1 => inner().prop_map(|it| format!("count({it})")),
        1 => inner().prop_map(|it| format!("value({it})")),
        1 => singular().prop_map(|it| format!("length({it})")),
        1 => inner(),
    ];
    // Neither the other comparisons nor single places from the end: see the test of both above.
    let operator = prop::sample::select(vec!["==", "!=", " < "]);
    let single = prop_oneof![
        2 => inner(),
        4 => (operand.clone(), operator, operand).prop_map(|(a, op, b)| format!("{a}{op}{b}")),
        1 => singular().prop_map(|it| format!("search({it}, 'a|1')")),
        1 => singular().prop_map(|it| format!("match({it}, '[ab]')")),
    ];
    let test = single.prop_recursive(3, 8, 2, |test| {
        prop_oneof![
            (test.clone(), test.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
            (test.clone(), test.clone()).prop_map(|(a, b)| format!("{a}||{b}")),
            test.clone().prop_map(|test| format!("!({test})")),
            test.clone().prop_map(|test| format!("!{test}")),
            test.prop_map(|test| format!("({test})")),
        ]
    });
    let segment = prop_oneof![
        3 => simple,
        1 => test.clone().prop_map(|test| format!("[?{test}]")),
        1 => test.prop_map(|test| format!("..[?{test}]")),
    ];
    prop::collection::vec(segment, 1..4).prop_map(move |it| path(root, it)).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_query_selects_what_the_standard_says(
        target in query("$"),
        members in prop::collection::btree_map(name(), value(), 1..5),
    ) {
        let mut root = json!({ "openapi": "3.1.0", "paths": {} });
        root.as_object_mut().unwrap().extend(members.into_iter().filter(|(name, _)| name != "paths"));
        let (ours, theirs) = (ours(&target, &root), theirs(&target, &root));
        match (&ours, &theirs) {
            (Err(_), Err(_)) => {}
            _ => prop_assert_eq!(ours, theirs, "{}", target),
        }
    }
}
