//! An example of a call that compiles: rustdoc's tests hold it to that.

use quote::ToTokens;
use syn::Type;

use super::call::Call;
use super::receive::Receive;
use crate::finish::take::Take;

/// The example, unless the operation is hidden or advised against.
pub(super) fn of(call: &Call<'_>) -> Option<String> {
    let operation = call.operation;
    if operation.hidden || operation.deprecated {
        return None;
    }
    let (mut arguments, mut given) = (Vec::new(), Vec::new());
    for slot in call.slots.arguments() {
        let name = slot.name.to_string();
        let value = match &slot.member.take {
            _ if slot.member.nullable => None,
            Take::Integer(_) | Take::Number => {
                Some(slot.member.rule.minimum.map_or_else(|| "1".to_owned(), |low| low.to_string()))
            }
            Take::Into(ty) if is(ty, "String") || is(ty, "Secret") => {
                Some(format!("{:?}", slot.member.wire))
            }
            Take::List(item) => match &**item {
                Take::Into(ty) if is(ty, "String") => Some(format!("[{:?}]", slot.member.wire)),
                _ => None,
            },
            Take::Plain(ty) if is(ty, "bool") => Some("true".to_owned()),
            _ => None,
        };
        arguments.push(value.unwrap_or_else(|| {
            given.push(format!(", {name}: {}", outside(&slot.member.ty)));
            name
        }));
    }
    let chain = operation.chain();
    let call_text = format!("kernel.{chain}({})", arguments.join(", "));
    let (bind, send) = match &call.receive {
        Receive::Empty => ("", "send"),
        Receive::Page(_) => ("let page = ", "send"),
        Receive::Json(_) => ("let value = ", "send"),
        Receive::Several(_) => ("let outcome = ", "send"),
        Receive::Bytes => ("let download = ", "download"),
        Receive::Events(_) => ("let mut events = ", "events"),
    };
    Some(format!(
        "```no_run\n# async fn example(kernel: onkernel::Client{}) -> onkernel::Result<()> {{\n\
         {bind}{call_text}.{send}().await?;\n# Ok(())\n# }}\n```",
        given.concat()
    ))
}

fn is(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

/// A type as it is written outside of the generated crate, which has what it needs of other crates.
fn outside(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string().replace(' ', "");
    let text = text.replace("crate::", "onkernel::").replace("types::", "onkernel::types::");
    ["bytes", "chrono", "serde_json"].iter().fold(text, |text, other| {
        text.replace(&format!("::{other}::"), &format!("onkernel::{other}::"))
    })
}
