//! Every preset rotates a key over a stand-in of its vendor's program, which writes down its arguments,
//! its environment and its input.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::World;

/// A store of each preset.
const STORES: [&str; 13] = [
    "preset:aws-ssm#/kernel/ci,region=eu-central-1,profile=ci",
    "preset:az#kernel-ci,vault=agents",
    "preset:doppler#KERNEL_API_KEY,project=agents,config=prd",
    "preset:fly#KERNEL_API_KEY,app=agents",
    "preset:fnox#KERNEL_API_KEY,config=/srv/agent/fnox.toml",
    "preset:gcloud#kernel-ci,project=agents",
    "preset:gh#KERNEL_API_KEY,repo=acme/agents,env=production",
    "preset:kubectl#kernel,namespace=agents,field=api-key",
    "preset:op#kernel-ci,vault=agents",
    "preset:railway#KERNEL_API_KEY,project=agents,service=web",
    "preset:secret-tool#ci",
    "preset:systemd-creds#kernel-key,file=/etc/credstore.encrypted/kernel-key",
    "preset:vercel#KERNEL_API_KEY,cwd=/srv/agent",
];

/// A world with a stand-in for this program in its path.
fn stand_in(world: &World, program: &str) {
    let folder = world.folder.path().display();
    let _ = fs::create_dir(world.path("bin"));
    // Without input it is asked for what it holds.
    let lines = format!(
        r#"input=$(cat)
{{ printf '%s' "${{0##*/}}"; for word in "$@"; do printf ' [%s]' "$word"; done; echo; }} >> {folder}/arguments
env >> {folder}/environment
if [ -n "$input" ]; then
  printf '%s\n' "$input" >> {folder}/input
  printf '%s\n' "$input" | grep -o 'sk_[A-Za-z0-9_]*' > {folder}/held
elif [ "${{0##*/}}" = railway ]; then
  printf '{{"OTHER":"x","KERNEL_API_KEY":"%s","N":null}}' "$(cat {folder}/held)"
else
  cat {folder}/held
fi"#
    );
    world.program(&format!("bin/{program}"), &lines);
}

fn in_path(world: &World, command: &mut Command) {
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", world.path("bin").display()));
}

/// The kinds of stores, for programs.
fn listed(world: &World) -> Vec<Value> {
    let said = world.run(&["stores", "--json"]).ended_with(0);
    serde_json::from_str(&said).unwrap()
}

#[test]
fn the_secret_reaches_a_vendors_program_on_standard_input_alone() {
    let (mut all, mut presets) = (String::new(), 0);
    for store in STORES {
        let world = World::new();
        let kinds = listed(&world);
        presets = kinds.iter().filter(|kind| kind["preset"] == true).count();
        let name = store.split_once('#').unwrap().0;
        let kind = kinds
            .iter()
            .find(|kind| kind["store"].as_str().unwrap().starts_with(&format!("{name}#")));
        let kind = kind.unwrap_or_else(|| panic!("{store} is not listed"));
        stand_in(&world, kind["program"].as_str().unwrap());
        fs::write(world.path("held"), world.old.plaintext()).unwrap();
        let one_way = kind["readable"] == false;
        let new = if one_way { vec![&*world.old.id, "--store-is-new"] } else { vec![] };
        let args = [
            &["rotate", "--store", store, "--retire", "keep"],
            &new[..],
            &["--overlap", "0", "--settle", "2"],
        ]
        .concat();
        let mut command = world.command(&args);
        in_path(&world, &mut command);
        let said = world.begin(&mut command).end().ended_with(0);
        let held = fs::read_to_string(world.path("held")).unwrap();
        let new = world.new_key();
        assert_eq!(held.trim(), new.plaintext(), "{store}: {said}");
        let read = |file: &str| fs::read_to_string(world.path(file)).unwrap();
        let input = read("input").replace(new.plaintext(), "KEY");
        let arguments = read("arguments");
        let seen = format!("{arguments}{}{said}{}", read("environment"), world.journals());
        for key in world.server.keys() {
            assert!(!seen.contains(key.plaintext()), "{store}: {seen}");
        }
        assert!(!read("environment").contains("KERNEL_API_KEY="), "{store}");
        // A program that reads is asked several times.
        let mut lines: Vec<_> = arguments.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        all.push_str(&format!("{store}\n  {}\n  reads {input}", lines.join("\n  ")));
    }
    assert_eq!(STORES.len(), presets, "each preset has a store here");
    insta::assert_snapshot!("programs", all);
}

/// It cannot be tried, and so is not: what is there stays.
#[test]
fn a_program_that_fails_shows_what_it_said_and_no_secret() {
    let world = World::new();
    fs::create_dir(world.path("bin")).unwrap();
    fs::write(world.path("held"), world.old.plaintext()).unwrap();
    let held = world.path("held");
    let lines = format!(
        "if [ $1 = store ]; then echo \"Access denied: $(cat)\" >&2; exit 1; fi\ncat {}",
        held.display()
    );
    world.program("bin/secret-tool", &lines);
    let mut command = world.rotation("preset:secret-tool#ci", &[]);
    in_path(&world, &mut command);
    let said = world.begin(&mut command).end().ended_with(1);
    assert!(said.contains("Access denied") && said.contains("[redacted]"), "{said}");
    world.assert_as_before(&held, &said);
}

#[test]
fn a_program_that_is_missing_is_named_before_anything_is_touched() {
    let world = World::new();
    fs::create_dir(world.path("bin")).unwrap();
    let store = "preset:gh#A,repo=acme/agents";
    let rotate = ["rotate", &world.old.id, "--store", store, "--store-is-new", "--retire", "keep"];
    let mut command = world.command(&rotate);
    command.env("PATH", world.path("bin"));
    let said = world.begin(&mut command).end().ended_with(2);
    assert!(said.contains("the program `gh` does not exist"), "{said}");
    let mut command = world.command(&["store", "test", store, "--json"]);
    command.env("PATH", world.path("bin"));
    let said = world.begin(&mut command).end().ended_with(1);
    assert!(said.contains(r#""missing": "program""#), "{said}");
    assert_eq!(world.ours().len(), 1);
}

#[test]
fn what_each_store_can_do_is_a_table() {
    let world = World::new();
    let mut command = world.command(&["stores"]);
    // Whatever is installed here.
    fs::create_dir(world.path("bin")).unwrap();
    command.env("PATH", world.path("bin"));
    let said = world.begin(&mut command).end().ended_with(0);
    insta::assert_snapshot!("stores", said);
}
