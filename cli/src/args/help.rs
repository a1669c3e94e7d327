//! What stands after the help: examples for each command, and what belongs to all of them.

pub(super) const SHORT: &str = "\
Run `kernel-keys COMMAND --help` for examples, and `kernel-keys doctor` when something is wrong.";

pub(super) const LONG: &str = "\
Examples:
  kernel-keys whoami
  kernel-keys create ci --days 90 --store file:/etc/ci/kernel-key
  kernel-keys rotate --store file:/etc/ci/kernel-key --deploy 'systemctl restart ci'
  kernel-keys audit --older-than 60d

Environment:
  KERNEL_API_KEY   your API key, unless you use --key-file
  KERNEL_BASE_URL  the API's base URL, unless you use --base-url
  KERNEL_PROJECT   the project, unless you use --project
  KERNEL_PROFILE   the profile, unless you use --profile
  NO_COLOR         turns colours off when it is set

An option overrides the environment, which overrides the profile (see kernel-keys config --help).

Exit codes: 0 success, 1 failure, 2 usage error, 3 a rotation needs attention, 4 keys are selected
(only audit --exit-code).

No account yet? Run `kernel-keys demo`: it brings a server of its own.";

pub(super) const CREATE: &str = "\
Examples:
  kernel-keys create ci --days 90 | your-secret-manager put kernel/ci
  kernel-keys create ci --store file:/etc/ci/kernel-key
  kernel-keys create agent --project-id proj_1 --policy policy.json --store file:agent-key";

pub(super) const WHOAMI: &str = "\
Examples:
  kernel-keys whoami
  kernel-keys whoami --key-file /etc/ci/kernel-key --json";

pub(super) const LIST: &str = "\
Examples:
  kernel-keys list --sort-by expires_at --sort-direction asc
  kernel-keys list --name ci --columns id,name,creator,age
  kernel-keys list --output csv > keys.csv";

pub(super) const GET: &str = "\
Examples:
  kernel-keys get key_1
  kernel-keys get key_1 --include-deleted --json";

pub(super) const RENAME: &str = "\
Example:
  kernel-keys rename key_1 ci";

pub(super) const DELETE: &str = "\
Examples:
  kernel-keys delete key_1
  kernel-keys delete key_1 --yes";

pub(super) const ROTATE: &str = "\
Examples:
  kernel-keys rotate --store file:/etc/ci/kernel-key --retire delete --dry-run
  kernel-keys rotate --store file:/etc/ci/kernel-key --deploy 'systemctl restart ci'
  kernel-keys rotate --store vault:secret/ci#key --retire grace --grace-days 3
  kernel-keys rotate --store env-file:.env#KERNEL_API_KEY --retire delete --output ndjson

On a terminal you are asked what happens to the old key if no option says so; elsewhere that is an
error.";

pub(super) const RESUME: &str = "\
Examples:
  kernel-keys resume
  kernel-keys resume --store file:/etc/ci/kernel-key --deployed
  kernel-keys resume --store file:/etc/ci/kernel-key --give-up";

pub(super) const SWEEP: &str = "\
Example:
  kernel-keys sweep";

pub(super) const AUDIT: &str = "\
Examples:
  kernel-keys audit --older-than 60d --expiring-within 14d
  kernel-keys audit --never-expiring --exit-code
  kernel-keys audit --name '*' --own --prometheus /var/lib/node_exporter/kernel_keys.prom";

pub(super) const ROTATE_ALL: &str = "\
Examples:
  kernel-keys rotate-all --older-than 60d --store 'file:/etc/keys/{name}' --retire grace --dry-run
  kernel-keys rotate-all --name 'ci-*' --store 'vault:secret/{name}#key' --retire delete";

pub(super) const STORES: &str = "\
Example:
  kernel-keys stores --json";

pub(super) const STORE: &str = "\
Example:
  kernel-keys store test file:/etc/ci/kernel-key";

pub(super) const STORE_TEST: &str = "\
Examples:
  kernel-keys store test file:/etc/ci/kernel-key
  kernel-keys store test vault:secret/ci#key --json";

pub(super) const DOCTOR: &str = "\
Examples:
  kernel-keys doctor
  kernel-keys doctor --store vault:secret/ci#key --json";

#[cfg(feature = "postgres")]
pub(super) const LEDGER: &str = "\
Examples:
  DATABASE_URL=postgres://owner@db/keys kernel-keys ledger migrate
  kernel-keys rotate --store file:/etc/ci/kernel-key --retire grace --journal postgres";

#[cfg(feature = "postgres")]
pub(super) const LEDGER_MIGRATE: &str = "\
Example:
  PGHOST=db PGUSER=owner PGSSLMODE=verify-full kernel-keys ledger migrate";

#[cfg(feature = "postgres")]
pub(super) const LEDGER_PRUNE: &str = "\
Example:
  kernel-keys ledger prune --keep 365";

#[cfg(feature = "postgres")]
pub(super) const FLEET: &str = "\
Examples:
  kernel-keys rotate-all --older-than 60d --store vault:secret/{name}#key --retire delete --journal postgres
  kernel-keys fleet status";

#[cfg(feature = "postgres")]
pub(super) const FLEET_STATUS: &str = "\
Examples:
  kernel-keys fleet status
  watch kernel-keys fleet status
  kernel-keys fleet status --json | jq '.[] | select(.under_way) | .keys'";

pub(super) const CONFIG: &str = "\
Examples:
  kernel-keys config set key-file /etc/ci/kernel-key
  kernel-keys config set --profile staging key-store vault:secret/staging#key
  kernel-keys config set --profile staging project proj_1
  kernel-keys config use staging
  kernel-keys config show";

pub(super) const CONFIG_PATH: &str = "\
Example:
  \"${EDITOR:-vi}\" \"$(kernel-keys config path)\"";

pub(super) const CONFIG_SHOW: &str = "\
Examples:
  kernel-keys config show
  kernel-keys config show --profile staging --json";

pub(super) const CONFIG_LIST: &str = "\
Example:
  kernel-keys config list";

pub(super) const CONFIG_SET: &str = "\
Examples:
  kernel-keys config set key-file /etc/ci/kernel-key
  kernel-keys config set --profile staging key-store preset:secret-tool#staging
  kernel-keys config set --profile staging allow-plain-http true";

pub(super) const CONFIG_UNSET: &str = "\
Example:
  kernel-keys config unset --profile staging project";

pub(super) const CONFIG_USE: &str = "\
Example:
  kernel-keys config use staging";

pub(super) const COMPLETIONS: &str = "\
Examples:
  kernel-keys completions bash > ~/.local/share/bash-completion/completions/kernel-keys
  kernel-keys completions zsh > ~/.zfunc/_kernel-keys
  kernel-keys completions fish > ~/.config/fish/completions/kernel-keys.fish
  kernel-keys completions powershell >> $PROFILE";

pub(super) const MAN: &str = "\
Examples:
  kernel-keys man | man -l -
  kernel-keys man --dir ~/.local/share/man/man1";

pub(super) const SERVE: &str = "\
Examples:
  kernel-keys serve
  kernel-keys serve --addr 127.0.0.1:8080 --key-file key --faults faults.json";

pub(super) const DEMO: &str = "\
Example:
  kernel-keys demo";
