//! What a store seems to lack, as its own words tell: a program, a permission, the network.

use serde::Serialize;

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    Program,
    Permission,
    Network,
}

/// Parts of the messages of systems and vendors, in lower case.
const SIGNS: &[(Missing, &[&str])] = &[
    (Missing::Program, &["cannot be started", "does not exist or is not executable"]),
    (
        Missing::Network,
        &[
            "could not resolve",
            "no such host",
            "name resolution",
            "connection refused",
            "connection reset",
            "could not connect",
            "unable to connect",
            "network is unreachable",
            "timed out",
            "took longer than",
            "tls handshake",
        ],
    ),
    (
        Missing::Permission,
        &[
            "permission denied",
            "access denied",
            "accessdenied",
            "not authorized",
            "unauthorized",
            "forbidden",
            "credential",
            "log in",
            "login",
            "logged in",
            "authenticat",
            "expired token",
            "token",
        ],
    ),
];

impl Missing {
    /// What this message of a store speaks of.
    pub(crate) fn in_words(message: &str) -> Option<Self> {
        let message = message.to_lowercase();
        let speaks = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
        SIGNS.iter().find(|(_, signs)| speaks(signs)).map(|(missing, _)| *missing)
    }

    /// What to do about it.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Program => "a program: install it, or put it into PATH",
            Self::Permission => "a permission, or a login",
            Self::Network => "the network, or the store's server",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_vendors_are_understood() {
        for (message, missing) in [
            ("preset:gh#A: the program `gh` does not exist or is not executable", Missing::Program),
            (
                "An error occurred (AccessDeniedException) when calling PutParameter",
                Missing::Permission,
            ),
            ("Unable to locate credentials", Missing::Permission),
            ("Could not connect to the endpoint URL", Missing::Network),
            ("dial tcp 127.0.0.1:1: connect: connection refused", Missing::Network),
            ("/etc/key cannot be replaced: Permission denied (os error 13)", Missing::Permission),
        ] {
            assert_eq!(Missing::in_words(message), Some(missing), "{message}");
        }
        assert_eq!(Missing::in_words("the store shows nothing now"), None);
    }
}
