//! What a scalar of YAML stands for, by the core schema of YAML 1.2.

use super::fault::FaultKind;
use serde_json::{Number, Value};

/// A scalar without quotes. Where every digit counts, an integer may not have more than can be kept.
pub(super) fn plain(text: &str, every_digit: bool) -> Result<Value, FaultKind> {
    if let Some(()) = null(text) {
        return Ok(Value::Null);
    }
    if let Some(value) = boolean(text) {
        return Ok(value.into());
    }
    match number(text, every_digit) {
        Some(number) => number.map(Value::Number),
        None => Ok(text.into()),
    }
}

/// A scalar with a tag of the core schema, which has the last word. `Err(None)` when it is not that.
pub(super) fn tagged(tag: &str, text: &str, every_digit: bool) -> Result<Value, Option<FaultKind>> {
    let value = match tag {
        "null" => null(text).map(|()| Ok(Value::Null)),
        "bool" => boolean(text).map(|value| Ok(value.into())),
        "int" => integer(text, every_digit).map(|it| it.map(Value::Number)),
        "float" => number(text, every_digit).map(|it| it.map(Value::Number)),
        _ => Some(Ok(text.into())),
    };
    value.ok_or(None)?.map_err(Some)
}

fn null(text: &str) -> Option<()> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(())
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn number(text: &str, every_digit: bool) -> Option<Result<Number, FaultKind>> {
    integer(text, every_digit).or_else(|| float(text))
}

/// An integer. One of more than 64 bits is a limit that no number reaches, whatever its last digits
/// are, unless every digit counts.
fn integer(text: &str, every_digit: bool) -> Option<Result<Number, FaultKind>> {
    let (sign, unsigned) = signed(text);
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefixed = prefixes
        .iter()
        .find_map(|(prefix, radix)| unsigned.strip_prefix(prefix).map(|digits| (digits, *radix)));
    let (digits, radix) = prefixed.unwrap_or((unsigned, 10));
    let are_digits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if !are_digits || radix == 10 && has_leading_zero(digits) {
        return None;
    }
    let number = match (sign, u64::from_str_radix(digits, radix)) {
        ("-", Ok(_) | Err(_)) => {
            i64::from_str_radix(&format!("-{digits}"), radix).map(Number::from)
        }
        (_, number) => number.map(Number::from),
    };
    match number {
        Ok(number) => Some(Ok(number)),
        Err(_) if every_digit => Some(Err(FaultKind::TooLong(text.to_owned()))),
        Err(_) => {
            let digit = |digit: char| f64::from(digit.to_digit(radix).unwrap_or_default());
            let rough = || digits.chars().fold(0.0, |sum, it| sum * f64::from(radix) + digit(it));
            let size = if radix == 10 { digits.parse().ok()? } else { rough() };
            Number::from_f64(if sign == "-" { -size } else { size }).map(Ok)
        }
    }
}

fn float(text: &str) -> Option<Result<Number, FaultKind>> {
    let (sign, unsigned) = signed(text);
    let infinite = match (sign, unsigned) {
        ("", ".nan" | ".NaN" | ".NAN") => Some(f64::NAN),
        ("-", ".inf" | ".Inf" | ".INF") => Some(f64::NEG_INFINITY),
        (_, ".inf" | ".Inf" | ".INF") => Some(f64::INFINITY),
        _ => None,
    };
    if let Some(infinite) = infinite {
        return Some(Err(FaultKind::NotFinite(infinite)));
    }
    // What Rust reads besides is a word (`inf`) or has a second sign.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') || has_leading_zero(unsigned)
    {
        return None;
    }
    let size: f64 = unsigned.parse().ok()?;
    Number::from_f64(if sign == "-" { -size } else { size }).map(Ok)
}

/// The sign of a number, and the rest.
fn signed(text: &str) -> (&str, &str) {
    text.split_at(usize::from(text.starts_with(['-', '+'])))
}

/// Whether this is a text of digits, such as a telephone number, and not a number.
fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|it| it.is_ascii_digit())
}
