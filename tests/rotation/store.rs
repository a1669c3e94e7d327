//! Stores: what they hold survives every write, whole, and nothing else is touched.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::{CommandStore, EnvFileStore, FileStore, Store};

const OLD: &str = "sk_old_0123456789abcdef";
const NEW: &str = "sk_new_fedcba9876543210";

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    (folder, path)
}

async fn held(store: &impl Store) -> Option<String> {
    store.read().await.unwrap().map(|held| held.expose().to_owned())
}

async fn write(store: &impl Store, key: &str) {
    store.check().await.unwrap();
    store.write(&Secret::from(key)).await.unwrap();
    assert_eq!(held(store).await.as_deref(), Some(key));
}

#[tokio::test]
async fn a_new_file_is_its_owners_only() {
    let (folder, path) = folder();
    let store = FileStore::new(&path);
    assert_eq!(held(&store).await, None);
    write(&store, OLD).await;
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    store.clear().await.unwrap();
    assert_eq!(held(&store).await, None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left beside it");
}

#[tokio::test]
async fn an_existing_file_keeps_mode_and_line_break() {
    for end in ["", "\n", "\r\n"] {
        let (_folder, path) = folder();
        fs::write(&path, format!("{OLD}{end}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let store = FileStore::new(&path);
        assert_eq!(held(&store).await.as_deref(), Some(OLD));
        write(&store, NEW).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{NEW}{end}"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }
}

#[tokio::test]
async fn a_symbolic_link_stays_one() {
    let (folder, path) = folder();
    let real = folder.path().join("real");
    fs::write(&real, OLD).unwrap();
    symlink("real", &path).unwrap();
    write(&FileStore::new(&path), NEW).await;
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(real).unwrap(), NEW);
}

#[tokio::test]
async fn what_is_no_file_of_one_key_is_rejected() {
    let (folder, path) = folder();
    assert!(FileStore::new(folder.path()).read().await.is_err());
    assert!(FileStore::new(folder.path()).check().await.is_err());
    fs::write(&path, format!("{OLD}\n{NEW}\n")).unwrap();
    let error = FileStore::new(&path).read().await.unwrap_err().to_string();
    assert!(error.contains("one line") && !error.contains("sk_"), "{error}");
    assert!(FileStore::new(folder.path().join("no/such/folder")).check().await.is_err());
    assert!(FileStore::new("/proc/self/status").check().await.is_err());
}

#[tokio::test]
async fn a_file_of_several_names_is_written_in_place_or_not_at_all() {
    let (folder, path) = folder();
    fs::write(&path, OLD).unwrap();
    let other = folder.path().join("other");
    fs::hard_link(&path, &other).unwrap();
    let store = FileStore::new(&path);
    let error = store.check().await.unwrap_err().to_string();
    assert!(error.contains("in place"), "{error}");
    assert!(store.write(&Secret::from(NEW)).await.is_err());
    write(&FileStore::new(&path).in_place(), "sk_short").await;
    assert_eq!(fs::read_to_string(other).unwrap(), "sk_short");
}

#[tokio::test]
async fn a_variable_is_replaced_and_every_other_byte_stays() {
    for (before, after) in [
        ("A=1\nKEY=OLD\nB=2\n", "A=1\nKEY=NEW\nB=2\n"),
        ("KEY=OLD", "KEY=NEW"),
        (
            "export KEY=\"OLD\"  # for the agent\r\nB=2\r\n",
            "export KEY=\"NEW\"  # for the agent\r\nB=2\r\n",
        ),
        ("  KEY = 'OLD'\n", "  KEY = 'NEW'\n"),
        ("# KEY=no\nKEY=OLD # yes\n", "# KEY=no\nKEY=NEW # yes\n"),
        ("\u{feff}KEY=OLD\n", "\u{feff}KEY=NEW\n"),
        (
            "PEM=\"-----\nKEY=inside\n-----\"\nKEY=OLD\n",
            "PEM=\"-----\nKEY=inside\n-----\"\nKEY=NEW\n",
        ),
        ("KEYS=x\nMY_KEY=y\nKEY=OLD\nexport Q\n", "KEYS=x\nMY_KEY=y\nKEY=NEW\nexport Q\n"),
        ("Q=\"a\\\"b\"\nKEY=OLD\n", "Q=\"a\\\"b\"\nKEY=NEW\n"),
        ("A=\t\nKEY=OLD\t\nB=\n\n\n", "A=\t\nKEY=NEW\t\nB=\n\n\n"),
    ] {
        let (_folder, path) = folder();
        fs::write(&path, before.replace("OLD", OLD)).unwrap();
        let store = EnvFileStore::new(&path, "KEY").unwrap();
        assert_eq!(held(&store).await.as_deref(), Some(OLD), "{before:?}");
        write(&store, NEW).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), after.replace("NEW", NEW), "{before:?}");
        write(&store, OLD).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("OLD", OLD));
    }
}

#[tokio::test]
async fn a_variable_that_is_not_there_is_added_and_can_be_removed() {
    for (before, after) in
        [("", "KEY=NEW\n"), ("A=1", "A=1\nKEY=NEW\n"), ("A=1\r\n", "A=1\r\nKEY=NEW\r\n")]
    {
        let (folder, path) = folder();
        fs::write(&path, before).unwrap();
        let store = EnvFileStore::new(&path, "KEY").unwrap();
        assert_eq!(held(&store).await, None);
        write(&store, NEW).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), after.replace("NEW", NEW));
        store.clear().await.unwrap();
        assert_eq!(held(&store).await, None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no lock is left");
    }
}

#[tokio::test]
async fn a_variable_that_cannot_be_told_is_rejected() {
    for text in ["KEY=a\nKEY=b\n", "KEY=\"a\n", "KEY=\"a\\nb\"\n", "KEY='a\nb'\n"] {
        let (_folder, path) = folder();
        fs::write(&path, text).unwrap();
        let store = EnvFileStore::new(&path, "KEY").unwrap();
        assert!(store.read().await.is_err(), "{text:?}");
        assert!(store.check().await.is_err(), "{text:?}");
        assert!(store.write(&Secret::from(NEW)).await.is_err(), "{text:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    for name in ["", "1A", "A B", "A-B", "A=B", "é"] {
        assert!(EnvFileStore::new("x", name).is_err(), "{name}");
    }
}

#[tokio::test]
async fn two_variables_of_one_file_are_written_at_once() {
    let (_folder, path) = folder();
    fs::write(&path, "A=x\nB=y\n").unwrap();
    let writers = ["A", "B"].map(|name| {
        let store = EnvFileStore::new(&path, name).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for n in 0..50 {
                let key = Secret::from(format!("sk_{n}"));
                runtime.block_on(store.write(&key)).unwrap();
            }
        })
    });
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "A=sk_49\nB=sk_49\n");
}

fn shell(script: &str, path: &std::path::Path) -> Vec<String> {
    ["sh", "-c", script, "sh", path.to_str().unwrap()].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn commands_get_the_key_on_standard_input() {
    let (folder, path) = folder();
    let seen = folder.path().join("seen");
    let script = format!("env > {0}; echo \"$@\" >> {0}; cat > \"$1\"", seen.display());
    let store = CommandStore::new("c", shell(&script, &path)).reading(shell("cat \"$1\"", &path));
    write(&store, NEW).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(!seen.contains(NEW), "neither in the environment nor in the arguments");
    assert!(!seen.contains("KERNEL_API_KEY="));
}

#[tokio::test]
async fn a_command_that_fails_may_have_written() {
    let (_folder, path) = folder();
    let store = CommandStore::new("c", shell("cat >&2; exit 3", &path));
    let error = store.write(&Secret::from(NEW)).await.unwrap_err();
    assert!(error.outcome_unknown());
    let said = format!("{error} {error:?}");
    assert!(said.contains("[redacted]") && !said.contains(NEW), "{said}");
    let none = CommandStore::new("c", ["/no/such/program"]);
    assert!(!none.write(&Secret::from(NEW)).await.unwrap_err().outcome_unknown());
    assert!(!none.readable() && none.read().await.is_err());
}

#[tokio::test]
async fn a_command_that_hangs_is_killed_with_all_it_started() {
    let (folder, path) = folder();
    let pids = folder.path().join("pids");
    let script = format!("sleep 600 & echo $! >> {0}; echo $$ >> {0}; wait", pids.display());
    let store = CommandStore::new("c", shell(&script, &path)).timeout(Duration::from_millis(300));
    let error = store.write(&Secret::from(NEW)).await.unwrap_err();
    assert!(error.outcome_unknown() && error.to_string().contains("killed"), "{error}");
    let pids = fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        // Gone, or dead and not yet collected.
        let mut state = String::new();
        for _ in 0..200 {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state = stat.rsplit(") ").next().unwrap_or_default().chars().take(1).collect();
            if matches!(state.as_str(), "" | "Z" | "X") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(matches!(state.as_str(), "" | "Z" | "X"), "{pid} is {state}");
    }
}

#[tokio::test]
async fn a_store_says_where_it_is_and_never_what_it_holds() {
    let (folder, path) = folder();
    fs::write(&path, OLD).unwrap();
    let file = FileStore::new(&path);
    let env = EnvFileStore::new(folder.path().join("env"), "KEY").unwrap();
    for text in [file.describe(), format!("{file:?}"), env.describe(), format!("{env:?}")] {
        assert!(text.contains(folder.path().to_str().unwrap()) && !text.contains("sk_"), "{text}");
    }
}

#[tokio::test]
async fn a_key_is_escaped_in_json_and_found_in_a_field() {
    const ODD: &str = "sk_\"}\\,\u{1}ü";
    let (_folder, path) = folder();
    let file = path.to_str().unwrap();
    let store = CommandStore::new("json", ["tee", file])
        .described_as("preset:json")
        .stdin_json_template(r#"{"other":["x"],"key":"{key}","number":1}"#)
        .unwrap()
        .reading(["cat", file]);
    assert_eq!(store.describe(), "preset:json");
    let field = |name: &str| store.clone().reading_field(name);
    write(&field("key"), ODD).await;
    for absent in ["other", "number", "none"] {
        assert_eq!(held(&field(absent)).await, None, "{absent}");
    }
    fs::write(&path, "no JSON: sk_old_0123456789").unwrap();
    let why = field("key").read().await.unwrap_err().to_string();
    assert!(why.contains("no JSON object") && !why.contains("sk_"), "{why}");
}
