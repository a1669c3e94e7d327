//! The tables: made and brought up to date by one statement each, under a lock of its transaction.

use std::fmt::Write;

use tokio_postgres::error::SqlState;

use super::session::{Problem, Session};

/// What leads from each version to the next. What was released is never changed.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];
/// Any number that nobody else locks.
const LOCK: i64 = 0x6b65_726e_656c_6b79;

/// Brings the tables up to date, unless they are; a newer version than ours is not used. Says which
/// version was there before, and which is there now.
pub(super) async fn migrate(session: &Session) -> Result<(i32, i32), Problem> {
    let ours = MIGRATIONS.len() as i32;
    let there = known(session).await?;
    if there < ours {
        session.batch(&statement()).await.map_err(|problem| {
            problem.explained("the schema kernel_keys cannot be brought up to date")
        })?;
    }
    Ok((there, ours))
}

/// The version that is there; 0 for none. What is newer than this program is not even read.
pub(super) async fn known(session: &Session) -> Result<i32, Problem> {
    let ours = MIGRATIONS.len() as i32;
    match version(session).await? {
        there if there > ours => Err(Problem::last(format!(
            "its schema kernel_keys has version {there}, and this program knows those up to {ours}: use a newer one"
        ))),
        there => Ok(there),
    }
}

/// What a worker may do, as far as its role and the database let it.
const MAY: &str = "select current_setting('transaction_read_only') = 'on',
    (select string_agg(privilege || ' on kernel_keys.' || name, ', ') from (values
        ('schema', 'SELECT'), ('records', 'SELECT'), ('records', 'INSERT')) as a (name, privilege)
    where not has_table_privilege('kernel_keys.' || name, privilege)),
    (select string_agg(privilege || ' on kernel_keys.' || name, ', ')
    from unnest(array['journals', 'runs', 'workers', 'tasks', 'limits']) as name,
        unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as privilege
    where not has_table_privilege('kernel_keys.' || name, privilege))";

/// Why a worker could not use it, found out without changing anything.
pub(super) async fn check(session: &Session) -> Result<(), Problem> {
    let (there, ours) = (known(session).await?, MIGRATIONS.len() as i32);
    if there < ours {
        return Err(Problem::last(match there {
            0 => "it has no schema kernel_keys yet, which is to be made".to_owned(),
            _ => format!(
                "its schema kernel_keys has version {there}, and is to be brought to {ours}"
            ),
        }));
    }
    let rows = session.query(MAY, &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    if row.get::<_, bool>(0) {
        return Err(Problem::last("it is read-only, as a standby is".to_owned()));
    }
    let lacking = [row.get::<_, Option<String>>(1), row.get(2)];
    let lacking: Vec<String> = lacking.into_iter().flatten().collect();
    match lacking.is_empty() {
        true => Ok(()),
        false => Err(Problem::last(format!("its role lacks {}", lacking.join(", ")))),
    }
}

async fn version(session: &Session) -> Result<i32, Problem> {
    let sql = "select version from kernel_keys.schema";
    match session.query(sql, &[]).await {
        Ok(rows) => Ok(rows.first().map_or(0, |row| row.get(0))),
        Err(problem) if problem.is(&[SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME]) => {
            Ok(0)
        }
        Err(problem) => Err(problem),
    }
}

/// One statement, so that it is one transaction also behind a pooler. Whoever was first has done it;
/// what is there is looked for in the tables themselves, since a session that has missed it once
/// remembers that beyond the lock.
fn statement() -> String {
    let mut steps = String::new();
    for (number, migration) in MIGRATIONS.iter().enumerate() {
        let next = number + 1;
        let _ = write!(
            steps,
            "if (select version from kernel_keys.schema) < {next} then\n{migration}\nupdate kernel_keys.schema set version = {next};\nend if;\n"
        );
    }
    format!(
        "do $migrate$ begin
perform pg_advisory_xact_lock({LOCK});
if not exists (select from pg_namespace where nspname = 'kernel_keys') then
create schema kernel_keys;
end if;
if not exists (select from pg_class where relname = 'schema' and relnamespace =
    (select oid from pg_namespace where nspname = 'kernel_keys')) then
create table kernel_keys.schema (version integer not null);
insert into kernel_keys.schema values (0);
end if;
{steps}end $migrate$"
    )
}
