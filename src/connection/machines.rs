//! The machines of browser sessions: some calls can go straight to one instead of through the API.
//!
//! Where a session's machine is, and the token that it wants, the API says with the session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::Url;
use serde::Deserialize;

use super::origin::Base;
use crate::model::secret::Secret;

/// What a machine does itself, below the path of its session. What is kept after the session's end,
/// such as `telemetry/events`, only the API has.
const PARTS: [&str; 7] =
    ["computer", "curl", "fs", "logs/stream", "playwright", "process", "telemetry/stream"];
/// The parameter of the query that holds the token.
const TOKEN: &str = "jwt";
/// Sessions that end by themselves are not heard of: with so many, all are forgotten, and known again
/// as soon as the API shows them.
const MOST: usize = 4096;

/// The machines that the API has shown.
pub(crate) struct Machines {
    by_session: Mutex<HashMap<String, Arc<Machine>>>,
    /// A machine elsewhere must be reached as safely as the API.
    https: bool,
    allow_plain_http: bool,
}

/// The machine of one session.
pub(crate) struct Machine {
    session: String,
    base: Base,
    pub(crate) token: Secret,
}

/// A session as the API shows it, also in a listing.
#[derive(Deserialize)]
struct Session {
    session_id: String,
    base_url: Option<String>,
    cdp_ws_url: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sessions {
    Many(Vec<Session>),
    One(Session),
}

impl Machines {
    pub(crate) fn new(api: &Base, allow_plain_http: bool) -> Self {
        Self { by_session: Mutex::default(), https: api.is_https(), allow_plain_http }
    }

    /// Learns from the response to a call that succeeded.
    pub(crate) fn learn(&self, method: &str, path: &str, body: &[u8]) {
        let steps: Vec<&str> = path.split('/').skip(1).collect();
        match steps[..] {
            ["browsers", id] if method == "DELETE" => drop(self.all().remove(id)),
            ["browsers"] | ["browsers", _] | ["browser_pools", _, "acquire"] => {
                let sessions = match serde_json::from_slice(body) {
                    Ok(Sessions::Many(sessions)) => sessions,
                    Ok(Sessions::One(session)) => vec![session],
                    // A deleted pool, say.
                    Err(_) => return,
                };
                sessions.into_iter().filter_map(|it| self.machine(it)).for_each(|it| self.add(it));
            }
            _ => {}
        }
    }

    fn machine(&self, session: Session) -> Option<Machine> {
        let base = Base::parse(&session.base_url?, self.allow_plain_http).ok()?;
        let cdp = Url::parse(session.cdp_ws_url?.expose()).ok()?;
        let (_, token) = cdp.query_pairs().find(|(name, _)| name == TOKEN)?;
        (base.is_https() == self.https && !token.is_empty()).then(|| Machine {
            session: session.session_id,
            base,
            token: Secret::from(token.into_owned()),
        })
    }

    fn add(&self, machine: Machine) {
        let mut all = self.all();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(machine.session.clone(), Arc::new(machine));
    }

    /// The machine that a call to this path can go to.
    pub(crate) fn of(&self, path: &str) -> Option<Straight> {
        let (id, part) = path.strip_prefix("/browsers/")?.split_once('/')?;
        let is_own = |known: &&str| {
            part.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        PARTS.iter().find(|known| is_own(known))?;
        let machine = self.all().get(id).cloned()?;
        Some(Straight { machine, path: format!("/{part}") })
    }

    /// Forgets a machine that is gone, unless the session has another one by now.
    pub(crate) fn forget(&self, machine: &Arc<Machine>) {
        let mut all = self.all();
        if all.get(&machine.session).is_some_and(|known| Arc::ptr_eq(known, machine)) {
            all.remove(&machine.session);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Machine>>> {
        // A panic leaves nothing half done: each change is one call.
        self.by_session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The straight way of a call.
pub(crate) struct Straight {
    pub(crate) machine: Arc<Machine>,
    path: String,
}

impl Straight {
    /// The URL with this query, at the machine's origin and nowhere else.
    pub(crate) fn url(&self, query: &str) -> Result<Url, String> {
        let mut url = self.machine.base.join(&self.path, query)?;
        url.query_pairs_mut().append_pair(TOKEN, self.machine.token.expose());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machines(api: &str) -> Machines {
        Machines::new(&Base::parse(api, false).unwrap(), false)
    }

    fn session(base_url: &str) -> Vec<u8> {
        let cdp = "wss://vm.example/cdp?a=b&jwt=t%26k";
        format!(r#"{{"session_id":"s1","base_url":"{base_url}","cdp_ws_url":"{cdp}"}}"#).into()
    }

    #[test]
    fn a_call_goes_below_the_address_of_its_session() {
        let machines = machines("https://api.example");
        machines.learn("POST", "/browsers", &session("https://vm.example:8443/s1/"));
        let url =
            |path: &str, query: &str| Some(machines.of(path)?.url(query).unwrap().to_string());
        let there = "https://vm.example:8443/s1/";
        assert_eq!(
            url("/browsers/s1/fs/read_file", "path=%2Fa").unwrap(),
            format!("{there}fs/read_file?path=%2Fa&jwt=t%26k")
        );
        assert_eq!(url("/browsers/s1/curl", "").unwrap(), format!("{there}curl?jwt=t%26k"));
        for other in [
            "/browsers/s1",
            "/browsers/s1/telemetry/events",
            "/browsers/s1/telemetry/streams",
            "/browsers/s1/replays",
            "/browsers/s1/fsx",
            "/browsers/s2/fs/read_file",
            "/browser_pools/s1/fs/read_file",
        ] {
            assert_eq!(url(other, ""), None, "{other}");
        }
    }

    #[test]
    fn only_safe_addresses_are_believed() {
        for (api, base_url, is_believed) in [
            ("https://api.example", "https://vm.example", true),
            ("https://api.example", "http://vm.example", false),
            ("https://api.example", "http://127.0.0.1:1", false),
            ("https://api.example", "https://user:word@vm.example", false),
            ("https://api.example", "https://vm.example?a=b", false),
            ("https://api.example", "vm.example", false),
            ("http://127.0.0.1:1", "http://127.0.0.1:2", true),
            ("http://127.0.0.1:1", "http://vm.example", false),
        ] {
            let machines = machines(api);
            machines.learn("GET", "/browsers/s1", &session(base_url));
            assert_eq!(machines.of("/browsers/s1/curl").is_some(), is_believed, "{api} {base_url}");
        }
    }

    #[test]
    fn sessions_come_and_go() {
        let machines = machines("https://api.example");
        let known = || machines.of("/browsers/s1/curl").map(|it| it.machine);
        let one = session("https://vm.example");
        let many = [b"[".as_slice(), &one, b",", &one.clone(), b"]"].concat();
        machines.learn("GET", "/invocations/i/browsers", &many);
        assert!(known().is_none());
        machines.learn("GET", "/browsers", &many);
        let old = known().unwrap();
        machines.learn("POST", "/browser_pools/p/acquire", &one);
        machines.forget(&old);
        let new = known().unwrap();
        assert!(!Arc::ptr_eq(&old, &new), "another machine by now");
        machines.learn("DELETE", "/browsers/s1", b"");
        assert!(known().is_none());
        machines.learn("GET", "/browsers/s1", b"{}");
        machines.learn("GET", "/browsers/s1", b"<html>");
        assert!(known().is_none());
    }
}
