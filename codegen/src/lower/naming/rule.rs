//! What an operation does, in a few words, where no one has named it.
//!
//! An id that a person chose (`clickMouse`) is kept, in Rust's spelling. An id that only repeats
//! method and path (`patchApiKeysById`) becomes what callers say: `update_api_key`.
//!
//! | id | method and path | words |
//! |---|---|---|
//! | `postApiKeys` | POST /org/api_keys | `create_api_key` |
//! | `getProxies` | GET /proxies (returns a list) | `list_proxies` |
//! | `getApiKeysById` | GET /org/api_keys/{id} | `get_api_key` |
//! | `postProxiesByIdCheck` | POST /proxies/{id}/check | `check_proxy` |
//! | `getReplaysById` | GET /replays/{id} (returns bytes) | `download_replay` |
//! | `getJobsEventsById` | GET /jobs/{id}/events (returns events) | `follow_job` |
//! | `rotateApiKey` | POST /org/api_keys/{id}/rotate | `rotate_api_key` |
//! | `updatePoolsById` | PATCH /pools/{id} | `update_pool` |

use heck::ToSnakeCase;
use serde_json::Value;

use crate::openapi::Content;

pub(super) fn by_rule(id: &str, method: &str, path: &str, operation: &Value) -> String {
    let words = id.to_snake_case();
    let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let of_one = segments.last().is_some_and(|last| last.starts_with('{'));
    let mechanical = words
        .strip_prefix(method)
        .filter(|rest| id.is_empty() || rest.starts_with('_'))
        .map(|rest| rest.trim_start_matches('_').to_owned());
    let Some(noun) = mechanical.or_else(|| id.is_empty().then(|| from_path(&segments))) else {
        let short = without_by(&words, &segments);
        let addressed = of_one && short != words;
        let short = owners_singular(&short, &segments);
        return if addressed { singular(&short) } else { short };
    };
    let noun = owners_singular(&without_by(&noun, &segments), &segments);
    let last = segments.last().copied().unwrap_or_default().to_snake_case();
    let follows_parameter = segments.len() >= 2 && segments[segments.len() - 2].starts_with('{');
    let one = if of_one { singular(&noun) } else { noun.clone() };
    match (method, success(operation)) {
        // POST …/{id}/check: the last segment is what is done.
        ("post", _) if follows_parameter && singular(&last) == last => {
            let noun = noun.strip_suffix(&format!("_{last}")).unwrap_or(&noun);
            format!("{last}_{}", singular(noun))
        }
        // What has an address is there already.
        ("post", _) if of_one => format!("update_{one}"),
        ("post", _) => format!("create_{}", singular(&noun)),
        ("get", Some(Content::Events)) => {
            format!("follow_{}", singular(noun.strip_suffix("_events").unwrap_or(&noun)))
        }
        ("get", Some(Content::Bytes)) => format!("download_{one}"),
        ("get", _) if returns_list(operation) && singular(&noun) != noun => format!("list_{noun}"),
        ("patch", _) => format!("update_{one}"),
        ("put", _) => format!("replace_{one}"),
        (other, _) => format!("{other}_{one}"),
    }
}

fn from_path(segments: &[&str]) -> String {
    let fixed = segments.iter().filter(|segment| !segment.starts_with('{'));
    fixed.map(|segment| segment.to_snake_case()).collect::<Vec<_>>().join("_")
}

/// `api_keys_by_id` is about `api_keys`: the parameters are arguments of the method anyway.
fn without_by(words: &str, segments: &[&str]) -> String {
    let mut words = words.to_owned();
    for parameter in segments.iter().filter_map(|it| it.strip_prefix('{')?.strip_suffix('}')) {
        let parameter = parameter.to_snake_case();
        let by = format!("_by_{parameter}");
        if let Some(at) = words.find(&format!("{by}_")) {
            words.replace_range(at..at + by.len(), "");
        } else if let Some(rest) = words.strip_suffix(&by) {
            words = rest.to_owned();
        } else if parameter == "id"
            && let Some(rest) = words.strip_suffix("_id")
        {
            words = rest.to_owned();
        }
    }
    words
}

fn returns_list(operation: &Value) -> bool {
    let responses = operation["responses"].as_object();
    responses.into_iter().flatten().any(|(status, response)| {
        let content = response["content"].as_object();
        status.starts_with('2')
            && content.into_iter().flatten().any(|(_, media)| media["schema"]["type"] == "array")
    })
}

/// The last word in the singular.
pub(super) fn singular(words: &str) -> String {
    let (head, last) = match words.rsplit_once('_') {
        Some((head, last)) => (format!("{head}_"), last),
        None => (String::new(), words),
    };
    let last = if let Some(stem) = last.strip_suffix("ies") {
        format!("{stem}y")
    } else if ["sses", "xes", "shes", "ches"].iter().any(|end| last.ends_with(end)) {
        last[..last.len() - 2].to_owned()
    } else if last.ends_with("ss") || last.ends_with("us") || last.ends_with("is") {
        last.to_owned()
    } else {
        last.strip_suffix('s').unwrap_or(last).to_owned()
    };
    head + &last
}

/// What owns the rest is one of its kind: `auth_connections_events` of `/auth/connections/{id}/events`
/// is about one connection.
fn owners_singular(words: &str, segments: &[&str]) -> String {
    let mut words = words.to_owned();
    for pair in segments.windows(2).filter(|pair| pair[1].starts_with('{')) {
        let plural = pair[0].to_snake_case();
        let one = singular(&plural);
        let at = words.match_indices(&plural).map(|(at, _)| at).find(|at| {
            let begins = *at == 0 || words.as_bytes()[at - 1] == b'_';
            begins && words[at + plural.len()..].starts_with('_')
        });
        if let Some(at) = at {
            words.replace_range(at..at + plural.len(), &one);
        }
    }
    words
}

/// What the first success holds.
fn success(operation: &Value) -> Option<Content> {
    let responses = operation["responses"].as_object()?;
    let (_, response) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
    let (name, media) = response["content"].as_object()?.iter().next()?;
    Content::of_response(name, media)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(id: &str, method: &str, path: &str, returns_list: bool) -> String {
        let schema = if returns_list { json!({ "type": "array" }) } else { json!({}) };
        let operation = json!({ "responses": { "200": { "content": {
            "application/json": { "schema": schema }
        } } } });
        by_rule(id, method, path, &operation)
    }

    #[test]
    fn ids_that_repeat_method_and_path_become_what_callers_say() {
        for (id, method, path, expected) in [
            ("postApiKeys", "post", "/org/api_keys", "create_api_key"),
            ("getApiKeysById", "get", "/org/api_keys/{id}", "get_api_key"),
            ("patchApiKeysById", "patch", "/org/api_keys/{id}", "update_api_key"),
            ("deleteApiKeysById", "delete", "/org/api_keys/{id}", "delete_api_key"),
            ("getProfileByIdOrName", "get", "/profiles/{id_or_name}", "get_profile"),
            ("postProxiesByIdCheck", "post", "/proxies/{id}/check", "check_proxy"),
            (
                "postAuthConnectionsLogin",
                "post",
                "/auth/connections/{id}/login",
                "login_auth_connection",
            ),
            (
                "getAuthConnectionsEventsById",
                "get",
                "/auth/connections/{id}/events",
                "get_auth_connection_events",
            ),
            ("getProjectsId", "get", "/projects/{id}", "get_project"),
            ("getOrgLimits", "get", "/org/limits", "get_org_limits"),
            ("putBoxes", "put", "/boxes/{id}", "replace_box"),
            ("patchOrgLimits", "patch", "/org/limits", "update_org_limits"),
            ("postBrowsersReplays", "post", "/browsers/{id}/replays", "create_browser_replay"),
            ("", "post", "/org/api_keys", "create_org_api_key"),
            ("", "post", "/crates/{id}", "update_crate"),
        ] {
            assert_eq!(name(id, method, path, false), expected, "{id}");
        }
        assert_eq!(name("getProxies", "get", "/proxies", true), "list_proxies");
        let timeline = "/auth/connections/{id}/timeline";
        let got = name("getAuthConnectionsTimelineById", "get", timeline, true);
        assert_eq!(got, "get_auth_connection_timeline", "a timeline is one thing, though a list");
    }

    #[test]
    fn what_is_returned_may_say_what_is_done() {
        for (media_type, id, path, expected) in [
            ("text/event-stream", "getJobsEventsById", "/jobs/{id}/events", "follow_job"),
            (
                "video/mp4",
                "getJobsReplaysById",
                "/jobs/{id}/replays/{replay_id}",
                "download_job_replay",
            ),
            ("application/octet-stream", "getLogsExport", "/logs/export", "download_logs_export"),
        ] {
            let operation = json!({ "responses": { "200": { "content": { media_type: {} } } } });
            assert_eq!(by_rule(id, "get", path, &operation), expected);
        }
    }

    #[test]
    fn ids_that_a_person_chose_are_kept() {
        for (id, method, path, expected) in [
            ("listApiKeys", "get", "/org/api_keys", "list_api_keys"),
            ("rotateApiKey", "post", "/org/api_keys/{id}/rotate", "rotate_api_key"),
            ("clickMouse", "post", "/browsers/{id}/computer/click_mouse", "click_mouse"),
            ("getMousePosition", "post", "/x/{id}/get_mouse_position", "get_mouse_position"),
            (
                "updateBrowserPoolsByIdOrName",
                "patch",
                "/browser_pools/{id_or_name}",
                "update_browser_pool",
            ),
            ("listBrowsersReplays", "get", "/browsers/{id}/replays", "list_browser_replays"),
            (
                "processStatus",
                "get",
                "/browsers/{id}/process/{process_id}/status",
                "process_status",
            ),
        ] {
            assert_eq!(name(id, method, path, false), expected, "{id}");
        }
    }
}
