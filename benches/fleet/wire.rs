//! What stands between a worker and the database in virtual time: it says when a statement is under
//! way, and what time it is. For the latter `clock_timestamp()` is a function of our own, which reads a
//! setting, and every statement gets that setting ahead of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::time::Time;

/// To be run in the database: names without a schema mean ours first.
pub const CLOCK: &str = "create schema virtual;
create function virtual.clock_timestamp() returns timestamptz language sql volatile
    as $$ select to_timestamp(current_setting('virtual.now')::float8) $$;
alter role current_user set search_path = virtual, pg_catalog";

/// Listens for connections to this database, each statement on which takes so long.
pub async fn listen(database: SocketAddr, takes: Duration, time: Time) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (worker, _) = listener.accept().await.unwrap();
            let database = TcpStream::connect(database).await.unwrap();
            for stream in [&worker, &database] {
                stream.set_nodelay(true).unwrap();
            }
            tokio::spawn(carry(worker, database, takes, time.clone()));
        }
    });
    address
}

async fn carry(mut worker: TcpStream, mut database: TcpStream, takes: Duration, time: Time) {
    time.leaves();
    let ready = log_in(&mut worker, &mut database).await;
    time.returns();
    if !ready {
        return;
    }
    let (mut worker, mut database) = (worker.split(), database.split());
    // Apart, since while one statement takes its time another is under way.
    let there = async {
        let (mut bytes, mut statement) = (BytesMut::new(), BytesMut::new());
        while let Ok(1..) = worker.0.read_buf(&mut bytes).await {
            time.happens();
            while let Some((kind, message)) = message(&mut bytes) {
                statement.extend_from_slice(&message);
                // Sync, a simple query, or the end.
                if !matches!(kind, b'S' | b'Q' | b'X') {
                    continue;
                }
                sleep(takes).await;
                if kind != b'X' {
                    let now = time.now().timestamp_micros() as f64 / 1e6;
                    let set = query(&format!("set virtual.now = '{now:.6}'"));
                    statement = [&set[..], &statement].concat()[..].into();
                    time.leaves();
                }
                if database.1.write_all(&statement.split()).await.is_err() {
                    return;
                }
            }
        }
    };
    let back = async {
        let (mut bytes, mut skips) = (BytesMut::new(), true);
        while let Ok(1..) = database.0.read_buf(&mut bytes).await {
            let results = results(&mut bytes, &mut skips, &time);
            if worker.1.write_all(&results).await.is_err() {
                break;
            }
        }
    };
    // A worker hangs up when nothing is under way any more.
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

/// The whole messages, without those that are the result of a setting, which every other one is.
fn results(bytes: &mut BytesMut, skips: &mut bool, time: &Time) -> BytesMut {
    let mut results = BytesMut::new();
    while let Some((kind, message)) = message(bytes) {
        if !*skips {
            results.extend_from_slice(&message);
        }
        let is_ready = kind == b'Z';
        if is_ready && !*skips {
            time.returns();
        }
        *skips ^= is_ready;
    }
    results
}

/// Carries what comes before the first statement, which has another form.
async fn log_in(worker: &mut TcpStream, database: &mut TcpStream) -> bool {
    let (mut said, mut heard) = (BytesMut::new(), BytesMut::new());
    loop {
        tokio::select! {
            read = worker.read_buf(&mut said) => {
                if !matches!(read, Ok(1..)) || database.write_all(&said).await.is_err() {
                    return false;
                }
                said.clear();
            }
            read = database.read_buf(&mut heard) => {
                if !matches!(read, Ok(1..)) {
                    return false;
                }
                while let Some((kind, message)) = message(&mut heard) {
                    if worker.write_all(&message).await.is_err() {
                        return false;
                    }
                    if kind == b'Z' {
                        return true;
                    }
                }
            }
        }
    }
}

/// Takes the first message, if it is there as a whole: its kind, and all of it.
fn message(bytes: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let mut head = bytes.get(..5)?;
    let (kind, length) = (head.get_u8(), head.get_u32() as usize);
    (bytes.len() > length).then(|| (kind, bytes.split_to(length + 1)))
}

fn query(sql: &str) -> Vec<u8> {
    let length = u32::try_from(sql.len() + 5).unwrap();
    [b"Q", &length.to_be_bytes()[..], sql.as_bytes(), b"\0"].concat()
}
