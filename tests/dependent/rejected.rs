//! What the compiler has to reject: calls that lack what is required, and values that cannot be.

use crate::outside::{Outside, root};

/// A call, and what the compiler says of it.
const REJECTED: [(&str, &str, &str); 8] = [
    ("lacks_an_id", "kernel.api_keys().get()", "this method takes 1 argument but 0 arguments"),
    ("lacks_a_name", "kernel.api_keys().create()", "this method takes 1 argument but 0 arguments"),
    (
        "is_a_string",
        "kernel.api_keys().list().sort_by(\"nmae\")",
        "expected `SortBy`, found `&str`",
    ),
    (
        "is_no_integer",
        "kernel.api_keys().list().limit(\"10\")",
        "the trait bound `&str: Integer` is not satisfied",
    ),
    (
        "is_none",
        "kernel.api_keys().create(\"ci\").days_to_expire(None)",
        "`Option<_>: NullableInteger<i64>` is not satisfied",
    ),
    (
        "is_an_option",
        "kernel.api_keys().create(\"ci\").project_id(Some(\"proj_1\"))",
        "From<Option<&str>>` is not satisfied",
    ),
    (
        "makes_null_of_none",
        "onkernel::Nullable::<i64>::from(None::<i64>)",
        "From<Option<i64>>` is not satisfied",
    ),
    ("is_half_a_type", "onkernel::types::CreateApiKeyRequest::new()", "takes 1 argument but 0"),
];

/// What is like it, and right.
const ACCEPTED: [&str; 8] = [
    "kernel.api_keys().get(String::new())",
    "kernel.api_keys().list().sort_by(SortBy::Name).limit(10_u8).set_offset(Some(3_usize))",
    "kernel.api_keys().create(\"ci\").days_to_expire(30).project_id(\"proj_1\")",
    "kernel.api_keys().create(\"ci\").days_to_expire(30_u128).project_id(Null)",
    "kernel.api_keys().create(\"ci\").days_to_expire(Null)",
    "kernel.api_keys().create(\"ci\").set_days_to_expire(None::<i64>)",
    "kernel.api_keys().rotate(\"id\").set_days_to_expire(Some(Nullable::Value(3)))",
    "\"name\".parse::<SortBy>().unwrap()",
];

#[test]
fn what_cannot_be_does_not_compile_and_the_reason_is_said() {
    let path = root();
    let outside =
        Outside::new(&format!("onkernel = {{ path = {path:?}, default-features = false, features = [\"api-keys\"] }}\n"));
    let program = |call: &str| {
        format!(
            "use onkernel::prelude::*;\npub fn uses(kernel: &Client) {{ let _ = {call}; }}\n\
             fn main() {{ let _ = uses; }}\n"
        )
    };
    for (number, call) in ACCEPTED.iter().enumerate() {
        outside.write(&format!("src/bin/accepted_{number}.rs"), &program(call));
    }
    let output = outside.check("");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, call, _) in REJECTED {
        outside.write(&format!("src/bin/{name}.rs"), &program(call));
    }
    let output = outside.cargo(&["--keep-going", "--message-format=short"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for (name, call, reason) in REJECTED {
        let file = format!("{name}.rs:");
        let errors: Vec<&str> = said.lines().filter(|line| line.contains(&file)).collect();
        assert!(errors.iter().any(|line| line.contains(reason)), "{call}: {errors:#?}");
    }
}
