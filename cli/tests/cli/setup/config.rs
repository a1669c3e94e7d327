//! Profiles: what counts, what they may hold, and that a key is never among it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Bench, Ran, assert_mentions, program, run};

/// A user with a home, and a server.
struct User {
    bench: Bench,
    home: tempfile::TempDir,
}

impl User {
    fn new() -> Self {
        Self { bench: Bench::new(), home: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The program with a home, and nothing else in its environment.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.env("HOME", self.home.path()).current_dir(self.home.path());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args))
    }

    fn config(&self) -> PathBuf {
        self.path(".config/kernel-keys/config.toml")
    }

    fn write(&self, toml: &str) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), toml).unwrap();
    }

    /// A file with the server's key.
    fn key_file(&self) -> PathBuf {
        let path = self.path("key");
        fs::write(&path, self.bench.server.bootstrap_key()).unwrap();
        path
    }
}

fn setting<'a>(shown: &'a Value, name: &str) -> (&'a Value, &'a str) {
    let setting = &shown["settings"][name];
    (&setting["value"], setting["from"].as_str().unwrap())
}

#[test]
fn a_profile_is_made_and_used() {
    let user = User::new();
    user.key_file();
    assert_eq!(user.run(&["config", "path"]).done(), user.config().to_str().unwrap());
    let set = user.run(&["config", "set", "base-url", user.bench.server.url()]);
    assert_mentions(&set.err, &["profile default", "Next: kernel-keys doctor"]);
    user.run(&["config", "set", "key-file", "key"]).done();
    assert_mentions(user.run(&["list"]).done(), &["bootstrap"]);
    let elsewhere = run(user.command(&["list"]).current_dir("/"));
    assert_mentions(elsewhere.done(), &["bootstrap"]);
    assert_mentions(user.run(&["config", "show"]).done(), &["key", "profile default"]);

    user.run(&["config", "set", "--profile", "two", "key-env", "TWO"]).done();
    assert_eq!(user.run(&["config", "list"]).done(), "default  (used)\ntwo");
    user.run(&["config", "use", "two"]).done();
    assert_eq!(user.run(&["config", "list"]).done(), "default\ntwo  (used)");
    assert_mentions(user.run(&["list"]).failed(2), &["TWO"]);
    user.run(&["config", "unset", "key-env"]).done();
    assert!(!fs::read_to_string(user.config()).unwrap().contains("TWO"));
    assert_mentions(user.run(&["config", "use", "three"]).failed(2), &["three", "config set"]);
}

#[test]
fn the_key_of_a_profile_may_be_in_a_store() {
    let user = User::new();
    let env = user.path(".env");
    fs::write(&env, format!("A=b\nKEY={}\n", user.bench.server.bootstrap_key())).unwrap();
    user.run(&["config", "set", "base-url", user.bench.server.url()]).done();
    let store = format!("env-file:{}#KEY", env.display());
    user.run(&["config", "set", "key-store", &store]).done();
    assert_mentions(user.run(&["list"]).done(), &["bootstrap"]);
    fs::write(&env, "A=b\nKEY=\n").unwrap();
    assert_mentions(user.run(&["list"]).failed(1), &[&store]);
    // Setting another place replaces this one.
    user.run(&["config", "set", "key-env", "KEY"]).done();
    assert!(!fs::read_to_string(user.config()).unwrap().contains("key-store"));
}

#[test]
fn an_option_beats_the_environment_beats_the_profile_beats_the_default() {
    let user = User::new();
    user.write(
        "[profiles.default]\nbase-url = \"http://127.0.0.1:1\"\nproject = \"of_profile\"\n\
         timeout = 5\nkey-env = \"OF_PROFILE\"\n",
    );
    let show = |command: &mut Command| run(command).json();
    let args = ["config", "show", "--json"];
    let shown = show(&mut user.command(&args));
    assert_eq!(setting(&shown, "project"), (&"of_profile".into(), "profile default"));
    assert_eq!(setting(&shown, "timeout").1, "profile default");
    assert_eq!(setting(&shown, "output"), (&"table".into(), "default"));
    assert_eq!(setting(&shown, "key"), (&"the variable OF_PROFILE".into(), "profile default"));
    let shown = show(
        user.command(&args)
            .env("KERNEL_PROJECT", "of_env")
            .env("KERNEL_BASE_URL", "http://127.0.0.1:2")
            .env("KERNEL_API_KEY", "sk_0123456789abcdef"),
    );
    assert_eq!(setting(&shown, "project"), (&"of_env".into(), "KERNEL_PROJECT"));
    assert_eq!(setting(&shown, "base-url").1, "KERNEL_BASE_URL");
    assert_eq!(setting(&shown, "key").0, "the variable KERNEL_API_KEY");
    assert!(!shown.to_string().contains("sk_"), "{shown}");
    let options = ["--project", "of_option", "--key-file", "k"];
    let shown = show(user.command(&[&args[..], &options].concat()).env("KERNEL_PROJECT", "of_env"));
    assert_eq!(setting(&shown, "project"), (&"of_option".into(), "option --project"));
    assert_eq!(setting(&shown, "key"), (&"the file k".into(), "option --key-file"));
}

#[test]
fn requests_go_by_the_same_order() {
    let user = User::new();
    let key = user.key_file();
    user.write(&format!(
        "[profiles.default]\nbase-url = {:?}\nkey-file = {key:?}\nproject = \"proj_1\"\n",
        user.bench.server.url()
    ));
    user.bench.server.add_key(onkernel::testing::NewKey::named("inside").project("proj_1"));
    let names = |command: &mut Command| run(command).json().as_array().unwrap().len();
    assert_eq!(names(&mut user.command(&["list", "--json"])), 1);
    // What the environment says stands for the profile's: this project does not exist.
    let ran = run(user.command(&["list"]).env("KERNEL_PROJECT", "proj_none"));
    ran.failed(1);
    assert_eq!(
        names(
            user.command(&["list", "--json", "--project", "proj_1"])
                .env("KERNEL_PROJECT", "proj_none")
        ),
        1
    );
    // A key of the environment, too, and it is said where a person has named a profile.
    let mut wrong = user.command(&["list", "--profile", "default"]);
    let ran = run(wrong.env("KERNEL_API_KEY", "sk_unknown_0123456789"));
    assert_mentions(
        ran.failed(1),
        &["KERNEL_API_KEY is used, not the key of profile default", "401"],
    );
}

#[test]
fn several_organizations_are_several_profiles() {
    let user = User::new();
    let other = user.bench.server.add_organization("org_2");
    fs::write(user.path("two"), other).unwrap();
    let (url, one) = (user.bench.server.url(), user.key_file());
    user.write(&format!(
        "default-profile = \"one\"\n[profiles.one]\nbase-url = {url:?}\nkey-file = {one:?}\n\
         [profiles.two]\nbase-url = {url:?}\nkey-file = {:?}\n",
        user.path("two")
    ));
    let organization = |command: &mut Command| run(command).json()["organization"].clone();
    let whoami = ["whoami", "--json"];
    let one = organization(&mut user.command(&whoami));
    assert_eq!(organization(user.command(&whoami).env("KERNEL_PROFILE", "two")), "org_2");
    assert_ne!(one, "org_2");
    let named = ["--profile", "one", "whoami", "--json"];
    assert_eq!(organization(user.command(&named).env("KERNEL_PROFILE", "two")), one);
    let ran = user.run(&["--profile", "three", "list"]);
    assert_mentions(ran.failed(2), &["\"three\"", "one, two"]);
}

#[test]
fn a_profile_never_holds_a_key() {
    let user = User::new();
    let secret = "sk_live_0123456789abcdef";
    for args in [
        ["key-file", secret],
        ["key-env", secret],
        ["key-store", secret],
        ["key", secret],
        ["api-key", secret],
    ] {
        let ran = user.run(&[&["config", "set"], &args[..]].concat());
        assert_mentions(ran.failed(2), &["never holds a key"]);
        assert!(!ran.err.contains(secret), "{ran:?}");
    }
    assert!(!user.config().exists());
    for toml in [
        format!("[profiles.default]\nkey = {secret:?}\n"),
        format!("[profiles.default]\napi-key = {secret:?}\n"),
        format!("[profiles.default]\nkey-file = {secret:?}\n"),
        format!("[profiles.default]\nkey-env = {secret:?}\n"),
        format!("[profiles.default]\nkey-store = {secret:?}\n"),
        format!("[profiles.default]\nkey-file = \"a\"\nkey-env = {secret}\n"),
    ] {
        user.write(&toml);
        let ran = user.run(&["list"]);
        assert_mentions(ran.failed(2), &["config.toml"]);
        assert!(!ran.err.contains(secret), "{ran:?}");
    }
}

#[test]
fn a_file_that_a_person_wrote_keeps_its_comments() {
    let user = User::new();
    user.write(
        "# mine\n[profiles.default] # the usual\nproject = \"a\"\n\n# the other\n[profiles.b]\n",
    );
    user.run(&["config", "set", "project", "c"]).done();
    let text = fs::read_to_string(user.config()).unwrap();
    assert_mentions(&text, &["# mine", "# the usual", "# the other", "project = \"c\""]);
}

#[test]
fn a_wrong_file_is_reported_with_its_place_and_never_in_the_way_of_help() {
    let user = User::new();
    user.write("[profiles.default]\ntimeout = [\n");
    let ran = user.run(&["list"]);
    assert_mentions(ran.failed(2), &["config.toml:", "config set --help"]);
    for toml in [
        "profile = 1\n",
        "[profiles.default]\ntimeout = 0\n",
        "[profiles.default]\noutput = \"xml\"\n",
        "[profiles.default]\nbase_url = \"x\"\n",
    ] {
        user.write(toml);
        user.run(&["list"]).failed(2);
    }
    for args in
        [&["--help"][..], &["stores"], &["completions", "bash"], &["man"], &["config", "path"]]
    {
        user.run(args).done();
    }
    assert_mentions(&user.run(&["doctor"]).out, &["✗ configuration"]);
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let user = User::new();
    let ran = run(user.command(&["config", "set", "project", "a"]).env("HOME", "/dev/null/home"));
    assert_mentions(ran.failed(1), &["/dev/null/home", "XDG_CONFIG_HOME"]);
    let ran = run(user.command(&["config", "path"]).env_remove("HOME"));
    assert_mentions(ran.failed(2), &["HOME", "XDG_CONFIG_HOME"]);
    // Nothing else needs one.
    let mut list = user.bench.command(["list"]);
    run(list.env("HOME", "/dev/null/home")).done();
    let path = run(user.command(&["config", "path"]).env("XDG_CONFIG_HOME", "/x"));
    assert_eq!(path.done(), "/x/kernel-keys/config.toml");
}

#[test]
fn plain_http_is_an_option_that_the_error_names() {
    let bench = Bench::new();
    let ran = bench.run(["--base-url", "http://kernel.default.svc", "list"]);
    assert_mentions(ran.failed(2), &["--allow-plain-http"]);
    assert!(!ran.err.contains("allow_plain_http("), "{ran:?}");
    // It is let through, and fails for another reason.
    let args = ["--base-url", "http://nowhere.invalid", "--allow-plain-http", "list"];
    let ran = bench.run(args);
    assert!(!ran.failed(1).contains("plain"), "{ran:?}");
    let user = User::new();
    user.write("[profiles.default]\nallow-plain-http = true\nbase-url = \"http://nowhere.invalid\"\nkey-env = \"K\"\n");
    run(user.command(&["list"]).env("K", "sk_0123456789abcdef")).failed(1);
}
