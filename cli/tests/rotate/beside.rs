//! Keys that are fields of one secret, rotated at the same time.

use std::fs;
use std::process::Output;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::{World, code, text};

/// A `kubectl` over a file, which replaces it only in the version that was read. The first that would
/// write waits until another one would.
const KUBECTL: &str = r#"
cd "$(dirname "$0")" || exit 1
version() { sed -n 's/.*"resourceVersion":"\([0-9]*\)".*/\1/p'; }
case "$*" in
  config*) printf 'https://cluster.example'; exit 0 ;;
  get*) cat secret.json; exit 0 ;;
  *--dry-run*) cat >/dev/null; exit 0 ;;
esac
new=$(cat)
if mkdir first 2>/dev/null; then
  until [ -d second ]; do sleep 0.02; done
else
  mkdir -p second
fi
until mkdir lock 2>/dev/null; do sleep 0.02; done
there=$(version <secret.json)
if [ "$(printf '%s\n' "$new" | version)" = "$there" ]; then
  printf '%s\n' "$new" | sed "s/\"resourceVersion\":\"$there\"/\"resourceVersion\":\"$((there + 1))\"/" >new.json
  mv new.json secret.json
  status=0
else
  echo 'Error from server (Conflict): the object has been modified' >&2
  echo conflict >>conflicts
  status=1
fi
rmdir lock
exit $status"#;

struct Cluster {
    world: World,
}

impl Cluster {
    /// A Secret with a key of each of these names.
    fn holding(names: &[&str]) -> Self {
        let world = World::new();
        world.program("kubectl", KUBECTL);
        let mut data = json!({ "other": BASE64_STANDARD.encode("hunter2hunter2") });
        for name in names {
            let key = fs::read_to_string(world.stored(name)).unwrap();
            data[name] = BASE64_STANDARD.encode(key.trim()).into();
        }
        let metadata = json!({ "name": "kernel", "namespace": "agents", "resourceVersion": "1" });
        let secret = json!({ "kind": "Secret", "metadata": metadata, "data": data });
        fs::write(world.path("secret.json"), format!("{secret}\n")).unwrap();
        Self { world }
    }

    fn run(&self, args: &[&str]) -> Output {
        let path = format!("{}:{}", self.world.folder.path().display(), env!("PATH"));
        self.world.command(args).env("PATH", path).output().unwrap()
    }

    fn holds(&self, name: &str) -> String {
        let secret = fs::read_to_string(self.world.path("secret.json")).unwrap();
        let secret: Value = serde_json::from_str(&secret).unwrap();
        let value = BASE64_STANDARD.decode(secret["data"][name].as_str().unwrap()).unwrap();
        String::from_utf8(value).unwrap()
    }
}

#[test]
fn a_fleet_in_one_secret_is_rotated_side_by_side() {
    let names = ["fleet-a", "fleet-b", "fleet-c"];
    let cluster = Cluster::holding(&names);
    let before = names.map(|name| cluster.holds(name));
    let args = ["rotate-all", "--name", "fleet-*", "--store", "k8s:agents/kernel#{name}"];
    let now = ["--retire", "delete", "--overlap", "0", "--concurrency", "3"];
    let done = cluster.run(&[&args[..], &now].concat());
    assert_eq!(code(&done), Some(0), "{}", text(&done));
    for (name, before) in names.iter().zip(before) {
        let now = cluster.holds(name);
        assert_ne!(now, before, "{name}");
        let path = cluster.world.path("now");
        fs::write(&path, now).unwrap();
        assert!(cluster.world.works(&path), "{name}");
    }
    assert_eq!(cluster.holds("other"), "hunter2hunter2");
    assert!(cluster.world.path("conflicts").exists(), "none of them met another");
    let mut keys = cluster.world.names();
    keys.sort();
    assert_eq!(keys, ["bootstrap", "fleet-a", "fleet-b", "fleet-c"]);
}
