//! Completions, the manual and help: without a key, a configuration or a network.

use std::fs;
use std::io::Write;

use crate::support::{assert_mentions, program, run};

/// Every command and what is below it, as the help lists them: `["config", "set"]`.
fn commands() -> Vec<Vec<String>> {
    let mut found = below(&[]);
    let mut next = 0;
    while let Some(command) = found.get(next) {
        found.extend(below(command));
        next += 1;
    }
    assert!(found.iter().any(|command| command.join(" ") == "config set"), "{found:?}");
    found
}

fn below(command: &[String]) -> Vec<Vec<String>> {
    let help = run(program(command).arg("-h"));
    let list = help.done().lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.split_whitespace().next());
    let names = names.filter(|name| *name != "help");
    names.map(|name| [command, &[name.to_owned()]].concat()).collect()
}

#[test]
fn completions_know_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = run(&mut program(["completions", shell]));
        let script = ran.done();
        for command in commands() {
            let name = &command[command.len() - 1];
            assert!(script.contains(name), "{shell}: {command:?}");
        }
        for option in ["retire", "output", "profile"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
    }
    assert_mentions(run(&mut program(["completions", "tcsh"])).failed(2), &["bash", "zsh", "fish"]);
}

#[test]
fn shells_accept_their_completions() {
    for (shell, arguments) in [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["-n"])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        fs::write(&path, run(&mut program(["completions", shell])).done()).unwrap();
        match std::process::Command::new(shell).args(arguments).arg(&path).output() {
            Ok(checked) => assert!(checked.status.success(), "{shell}: {checked:?}"),
            Err(_) => println!("{shell} is not installed"),
        }
    }
}

/// What bash offers after these words, by the script.
fn offered_by_bash(script: &str, words: &[&str]) -> Option<String> {
    let complete = r#"eval "$1"; shift
function=$(complete -p kernel-keys | sed 's/.*-F \([^ ]*\).*/\1/')
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$function kernel-keys "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
echo "${COMPREPLY[@]}""#;
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", complete, "bash", script, "kernel-keys"]).args(words);
    Some(String::from_utf8(bash.output().ok()?.stdout).unwrap())
}

#[test]
fn bash_completes_every_command_and_its_options() {
    let script = run(&mut program(["completions", "bash"]));
    let offered = |words: &[&str]| offered_by_bash(script.done(), words);
    let Some(all) = offered(&[""]) else { return println!("bash is not installed") };
    assert_mentions(&all, &["list", "rotate", "rotate-all", "config"]);
    assert_eq!(offered(&["config", "s"]).unwrap(), "show set\n");
    assert_eq!(offered(&["rotate", "--retire", "g"]).unwrap(), "grace\n");
    assert_eq!(offered(&["list", "--outp"]).unwrap(), "--output\n");
    for command in commands() {
        let mut words: Vec<_> = command.iter().map(String::as_str).collect();
        words.push("--hel");
        assert_eq!(offered(&words).unwrap(), "--help\n", "{command:?}");
    }
}

#[test]
fn fish_completes_commands_and_options() {
    let script = run(&mut program(["completions", "fish"]));
    for (line, expected) in [("config s", "set\nshow\n"), ("rotate --retire g", "grace\n")] {
        let complete = format!("source; complete -C 'kernel-keys {line}' | cut -f1");
        let mut fish = std::process::Command::new("fish");
        fish.args(["--no-config", "-c", &complete]).stdin(std::process::Stdio::piped());
        let Ok(mut fish) = fish.stdout(std::process::Stdio::piped()).spawn() else {
            return println!("fish is not installed");
        };
        fish.stdin.take().unwrap().write_all(script.done().as_bytes()).unwrap();
        let done = fish.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap(), expected, "{line}");
    }
}

#[test]
fn every_command_has_a_page() {
    let page = run(&mut program(["man"]));
    assert_mentions(page.done(), &[".TH kernel-keys 1", "KERNEL_PROFILE"]);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1");
    run(&mut program(["man", "--dir", dir.to_str().unwrap()])).done();
    for command in commands() {
        let name = format!("kernel-keys-{}", command.join("-"));
        let page = fs::read_to_string(dir.join(format!("{name}.1"))).unwrap();
        assert_mentions(&page, &[&format!(".TH {name} 1"), "kernel\\-keys"]);
    }
    assert!(dir.join("kernel-keys.1").exists());
    let unwritable = run(&mut program(["man", "--dir", "/dev/null/man"]));
    assert_mentions(unwritable.failed(1), &["cannot write the manual"]);
}

#[test]
fn every_command_has_examples_that_begin_with_it() {
    for command in commands() {
        let name = format!("kernel-keys {}", command.join(" "));
        let long = run(program(&command).arg("--help"));
        let examples = long.done().split("Example").nth(1).unwrap_or_default().to_owned();
        assert!(examples.contains(&name), "{name}: {}", long.out);
        let short = run(program(&command).arg("-h"));
        assert!(!short.done().contains("Example"), "{name}: {}", short.out);
        assert!(short.out.len() < long.out.len(), "{name}");
    }
}

#[test]
fn a_slip_of_the_hand_is_noticed() {
    assert_mentions(run(&mut program(["lst"])).failed(2), &["similar", "'list'"]);
    assert_mentions(run(&mut program(["rotate", "--retrie", "x"])).failed(2), &["'--retire'"]);
    assert_mentions(run(&mut program(["list", "--output", "jsn"])).failed(2), &["'json'"]);
}
