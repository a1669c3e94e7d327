//! The help, as a reviewer reads it.

use crate::support::{program, run};

#[test]
fn help_says_what_there_is() {
    let help = run(&mut program(["--help"]));
    insta::assert_snapshot!("help", help.done());
    for command in ["create", "list", "rotate", "resume", "serve", "stores"] {
        let help = run(&mut program([command, "--help"]));
        insta::assert_snapshot!(format!("help-{command}"), help.done());
    }
    let help = run(&mut program(["store", "test", "--help"]));
    insta::assert_snapshot!("help-store-test", help.done());
}

#[test]
fn every_command_has_help() {
    for command in [
        "create",
        "whoami",
        "list",
        "get",
        "rename",
        "delete",
        "rotate",
        "resume",
        "sweep",
        "audit",
        "rotate-all",
        "stores",
        "store",
        "serve",
        "demo",
    ] {
        assert!(run(&mut program([command, "--help"])).done().contains("Usage: kernel-keys"));
    }
    let version = format!("kernel-keys {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&mut program(["--version"])).done(), version);
}
