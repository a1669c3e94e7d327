//! Questions to a person, only where there is one: on a terminal, and never for a program.

use std::io::{self, IsTerminal};

use crate::failure::Failure;
use crate::output::{Format, Output};

/// Whether a person can be asked: both the question and the reply go through a terminal.
pub(crate) fn is_possible(output: &Output) -> bool {
    output.format() == Format::Table && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks once; nothing where the input ends.
pub(crate) fn line(output: &Output, question: &str) -> Result<Option<String>, Failure> {
    output.prompt(question);
    let mut line = String::new();
    let read = io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

/// Asks until the reply is understood; an empty one is the default.
pub(crate) fn until<T>(
    output: &Output,
    question: &str,
    default: &str,
    understand: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    loop {
        let Some(reply) = line(output, &format!("{question} [{default}]"))? else {
            output.error("");
            return Err(Failure::new("cancelled: nothing was changed"));
        };
        match understand(if reply.is_empty() { default } else { &reply }) {
            Ok(value) => return Ok(value),
            Err(why) => output.error(&why),
        }
    }
}

/// Whether a reply agrees.
pub(crate) fn is_yes(reply: &str) -> bool {
    matches!(reply.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_yes_is_yes() {
        assert!(["y", "Y\n", " yes\r\n", "YES"].into_iter().all(super::is_yes));
        assert!(!["", "\n", "n", "yeah", "y y"].into_iter().any(super::is_yes));
    }
}
