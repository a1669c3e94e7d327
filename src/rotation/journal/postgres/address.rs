//! Where the database is: an address, or libpq's variables. What the driver does not know of
//! certificates is mapped here.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::{Tls, Verify};

/// Where the server's socket is, where no host is named.
const SOCKET: &str = "/var/run/postgresql";

/// How a connection is encrypted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Encryption {
    mode: Option<String>,
    roots: Option<String>,
}

/// The address in this text (a URL, or libpq's `key=value`), and what it leaves out by the
/// environment's `PG*` variables.
pub(super) fn of(
    address: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Tls), String> {
    let invalid = |why: &str| format!("the address of the database is not valid: {why}");
    let (address, mut encryption) = split(address.unwrap_or_default()).map_err(invalid)?;
    let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_default();
        // The driver quotes no value, but what it takes for a name may be a part of one.
        match cause.starts_with("invalid value for option") || !cause.contains('`') {
            true => invalid(&cause),
            false => {
                invalid("it has an option that is not known, or a character that must be escaped")
            }
        }
    })?;
    fill(&mut config, variable)?;
    encryption.mode = encryption.mode.or_else(|| variable("PGSSLMODE"));
    encryption.roots = encryption.roots.or_else(|| variable("PGSSLROOTCERT"));
    let roots = encryption.roots.filter(|roots| !roots.is_empty());
    // libpq's word for the operating system's own.
    let roots = roots.filter(|roots| roots != "system").map(PathBuf::from);
    let (mode, verify) = match encryption.mode.as_deref() {
        Some("disable") => (SslMode::Disable, Verify::Nothing),
        None | Some("" | "allow" | "prefer") => (SslMode::Prefer, Verify::Nothing),
        // As libpq does: who names authorities wants them asked.
        Some("require") if roots.is_some() => (SslMode::Require, Verify::Authority),
        Some("require") => (SslMode::Require, Verify::Nothing),
        Some("verify-ca") => (SslMode::Require, Verify::Authority),
        Some("verify-full") => (SslMode::Require, Verify::Full),
        Some(_) => {
            return Err(
                "sslmode is none of disable, prefer, require, verify-ca and verify-full".to_owned()
            );
        }
    };
    // As libpq does: nobody listens in on a socket of the file system.
    let is_local = |host: &Host| !matches!(host, Host::Tcp(_));
    let local = config.get_hostaddrs().is_empty() && config.get_hosts().iter().all(is_local);
    config.ssl_mode(if local { SslMode::Disable } else { mode });
    let tls = Tls::new(verify, roots.as_deref())?;
    Ok((config, tls))
}

/// Takes out what the driver does not know, or knows less of.
fn split(address: &str) -> Result<(String, Encryption), &'static str> {
    let mut encryption = Encryption::default();
    let mut keep = |name: &str, value: &str| {
        match name {
            "sslmode" => encryption.mode = Some(value.to_owned()),
            "sslrootcert" => encryption.roots = Some(value.to_owned()),
            _ => return true,
        }
        false
    };
    let is_url = address.starts_with("postgres://") || address.starts_with("postgresql://");
    let rest = match address.split_once('?') {
        Some((base, query)) if is_url => {
            let pairs = query.split('&');
            let kept = pairs.filter(|pair| match pair.split_once('=') {
                Some((name, value)) => keep(name, &decoded(value)),
                None => true,
            });
            format!("{base}?{}", kept.collect::<Vec<_>>().join("&"))
        }
        _ if is_url => address.to_owned(),
        _ => {
            let mut rest = String::new();
            for (name, value) in pairs(address)? {
                if keep(&name, &value) {
                    let value = value.replace('\\', r"\\").replace('\'', r"\'");
                    rest.push_str(&format!("{name}='{value}' "));
                }
            }
            rest.trim_end().to_owned()
        }
    };
    Ok((rest.trim_end_matches('?').to_owned(), encryption))
}

/// Names and values of an address that is no URL, as libpq reads them: blanks may be around `=`, and a value
/// in quotes. What is wrong is said without a word of it, since any may be a part of a password.
fn pairs(address: &str) -> Result<Vec<(String, String)>, &'static str> {
    const NEITHER: &str =
        "it neither begins with postgres:// or postgresql:// nor has the form host=… user=…";
    let mut rest = address.trim_start();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').ok_or(NEITHER)?;
        let name = name.trim_end();
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(NEITHER);
        }
        let behind = behind.trim_start();
        let quoted = behind.strip_prefix('\'');
        let mut value = String::new();
        let mut letters = quoted.unwrap_or(behind).chars();
        loop {
            match letters.next() {
                Some('\\') => value.extend(letters.next()),
                Some('\'') if quoted.is_some() => break,
                Some(blank) if quoted.is_none() && blank.is_whitespace() => break,
                Some(letter) => value.push(letter),
                None if quoted.is_some() => return Err("a quotation in it does not end"),
                None => break,
            }
        }
        pairs.push((name.to_owned(), value));
        rest = letters.as_str().trim_start();
    }
    Ok(pairs)
}

/// A path in a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the address leaves out.
fn fill(config: &mut Config, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        let hosts = given("PGHOST").unwrap_or_else(|| SOCKET.to_owned());
        for host in hosts.split(',') {
            config.host(host);
        }
    }
    if config.get_ports().is_empty() {
        for port in given("PGPORT").iter().flat_map(|ports| ports.split(',')) {
            config.port(port.parse().map_err(|_| "PGPORT is no port: 1 to 65535".to_owned())?);
        }
    }
    if config.get_user().is_none() {
        given("PGUSER").map(|user| config.user(user));
    }
    if config.get_password().is_none() {
        given("PGPASSWORD").map(|password| config.password(password));
    }
    if config.get_dbname().is_none() {
        given("PGDATABASE").map(|name| config.dbname(name));
    }
    if config.get_options().is_none() {
        given("PGOPTIONS").map(|options| config.options(options));
    }
    if config.get_application_name().is_none() {
        let name = given("PGAPPNAME").unwrap_or_else(|| "kernel-keys".to_owned());
        config.application_name(name);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    Ok(())
}

/// The environment.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Variables = BTreeMap<&'static str, &'static str>;

    fn of_these(address: Option<&str>, variables: &Variables) -> Result<Config, String> {
        let variable = |name: &str| variables.get(name).map(|value| (*value).to_owned());
        of(address, &variable).map(|(config, _)| config)
    }

    #[test]
    fn an_address_comes_before_the_variables() {
        let variables = Variables::from([
            ("PGHOST", "b"),
            ("PGUSER", "agent"),
            ("PGPASSWORD", "p"),
            ("PGSSLMODE", "disable"),
        ]);
        let config = of_these(Some("postgres://a:6432/keys?sslmode=require"), &variables).unwrap();
        assert_eq!(format!("{:?}", config.get_hosts()), r#"[Tcp("a")]"#);
        assert_eq!((config.get_ports(), config.get_user()), (&[6432][..], Some("agent")));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        let config = of_these(None, &variables).unwrap();
        assert_eq!(format!("{:?}", config.get_hosts()), r#"[Tcp("b")]"#);
        assert_eq!(config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn what_the_driver_does_not_know_is_taken_out() {
        for (address, rest, mode, roots) in [
            ("postgres://h/d?sslmode=verify-full", "postgres://h/d", Some("verify-full"), None),
            (
                "postgres://h/d?a=b&sslrootcert=%2Fetc%2Fca.pem",
                "postgres://h/d?a=b",
                None,
                Some("/etc/ca.pem"),
            ),
            ("host=h sslmode=verify-ca user=u", "host='h' user='u'", Some("verify-ca"), None),
            ("host=h\n\tsslmode = require\n", "host='h'", Some("require"), None),
            (
                r"password = 'a\' b\\' sslmode='require'",
                r"password='a\' b\\'",
                Some("require"),
                None,
            ),
            ("", "", None, None),
        ] {
            let encryption =
                Encryption { mode: mode.map(str::to_owned), roots: roots.map(str::to_owned) };
            assert_eq!(split(address), Ok((rest.to_owned(), encryption)), "{address}");
        }
    }

    #[test]
    fn what_is_no_url_is_read_as_libpq_reads_it() {
        let address = r"host = h password='it\'s \\ mine' dbname=d sslmode = require";
        let config = of_these(Some(address), &Variables::new()).unwrap();
        assert_eq!(config.get_password(), Some(&br"it's \ mine"[..]));
        assert_eq!((config.get_dbname(), config.get_ssl_mode()), (Some("d"), SslMode::Require));
    }

    #[test]
    fn what_cannot_be_is_rejected_without_a_secret() {
        let none = Variables::new();
        for (address, says) in [
            ("postgres://u:hunter2@h/d?sslmode=maybe", "sslmode is none of"),
            ("postgres://u:hunter2@h:port/d", "not valid"),
            ("postgresql+asyncpg://u:hunter2@h/d?ssl=require", "begins with postgres://"),
            ("postgre://u:hunter2@h/d?sslmode=require", "begins with postgres://"),
            ("u:hunter2@h/d", "begins with postgres://"),
            ("host=h password=my hunter2", "begins with postgres://"),
            ("host=h password=my hunter2=x", "an option that is not known"),
            ("host=h password='hunter2", "does not end"),
            ("postgres://u@h/d?hunter2=x", "an option that is not known"),
            ("postgres://u:hunter2@h/d?sslmode=verify-ca&sslrootcert=/nowhere", "/nowhere"),
        ] {
            let error = of_these(Some(address), &none).unwrap_err();
            assert!(error.contains(says) && !error.contains("hunter2"), "{error}");
        }
    }
}
