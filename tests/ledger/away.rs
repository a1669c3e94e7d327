//! A database that cannot be reached: what will not pass is reported at once, and the rest is waited for.

use std::time::{Duration, Instant};

use onkernel::rotation::PostgresJournals;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::database::Database;

/// Less than what may pass is waited for, and more than a name server takes to respond.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Neither call goes on trying, and both say this.
async fn is_final(address: &str, said: &str) {
    for migrates in [true, false] {
        let journals = PostgresJournals::new(address).unwrap();
        let began = Instant::now();
        let error = match migrates {
            true => journals.migrate().await.map(drop).unwrap_err(),
            false => journals.unfinished().await.map(drop).unwrap_err(),
        };
        assert!(error.to_string().contains(said), "{address}: {error}");
        assert!(began.elapsed() < AT_ONCE, "{address}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_way_that_does_not_lead_there_is_reported_at_once() {
    is_final("postgres://keys:secret@no-such-host.invalid/postgres", "lookup").await;
    is_final("postgres:///postgres?host=no-such-host.invalid&user=keys", "lookup").await;
    // A server that speaks no TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.read(&mut [0; 99]).await;
            let _ = client.write_all(b"N").await;
        }
    });
    is_final(&format!("postgres://keys@127.0.0.1:{port}/x?sslmode=require"), "TLS").await;
    server.abort();
}

#[tokio::test]
async fn what_the_server_rejects_is_reported_at_once() {
    let Some(database) = Database::fresh() else { return };
    let direct = &database.direct;
    // Both by the server and by a pooler before it.
    for url in [direct, &database.url] {
        is_final(&url.replace(":secret@", ":wrong@"), "authentication failed").await;
        is_final(&url.replace(":secret@", "@"), "password missing").await;
        is_final(&url.replace("keys:", "nobody:"), "authentication failed").await;
        is_final(&format!("{}nowhere", url.trim_end_matches("postgres")), "nowhere").await;
    }
    if std::env::var("ONKERNEL_REAL_POSTGRES_AUTHORITY").is_ok() {
        is_final(&format!("{direct}?sslmode=verify-full"), "certificate").await;
    }
}

#[tokio::test]
async fn what_may_pass_is_waited_for() {
    let Some(database) = Database::fresh() else { return };
    // Nobody listens yet.
    let (start, rest) = database.direct.split_once('@').unwrap();
    let (server, path) = rest.split_once('/').unwrap();
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = reserved.local_addr().unwrap();
    drop(reserved);
    let journals = PostgresJournals::new(&format!("{start}@{at}/{path}")).unwrap();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let listener = TcpListener::bind(at).await.unwrap();
        // The first one is closed without a word, as by a server that is about to stop.
        drop(listener.accept().await);
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = tokio::net::TcpStream::connect(server).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        }
    };
    tokio::select! {
        migrated = journals.migrate() => drop(migrated.unwrap()),
        () = later => {}
    }
    // There are too many connections.
    database.sql("drop role if exists few");
    database.sql("create role few login password 'secret' connection limit 0 in role keys");
    let journals = PostgresJournals::new(&database.direct.replace("keys:", "few:")).unwrap();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        database.sql("alter role few connection limit -1");
        std::future::pending::<()>().await
    };
    tokio::select! {
        found = journals.unfinished() => assert!(found.unwrap().is_empty()),
        () = later => {}
    }
    drop(journals);
    database.sql("drop role few");
}
