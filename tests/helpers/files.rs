//! Files that are missing, too large for the service, or change while they are sent: one sentence, and
//! never a request that looks complete.

use std::fs::{File, OpenOptions};
use std::path::Path;

use onkernel::{Client, Error, ErrorKind, Upload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::scripted::{KEY, Server, response};
use crate::support::client;

/// More than a connection takes in before its other end has read anything.
const LARGE: u64 = 64 << 20;

async fn send(client: &Client, file: &Path) -> Result<(), Error> {
    client.browsers().fs().write_file("b_1", "/tmp/file", Upload::file(file)).send().await
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([response("201 Created", "", "")]).await;
    for (path, words) in [
        (folder.path().join("missing"), "missing` cannot be read: No such file"),
        (folder.path().to_owned(), "is not a file of a known length"),
    ] {
        let error = send(&client(&server), &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.outcome_unknown() && !error.to_string().contains('\n'));
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_file_that_the_service_finds_too_large_is_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "the bytes").unwrap();
    let body = r#"{"code":"payload_too_large","message":"at most 8 bytes"}"#;
    let server = Server::start([response("413 Payload Too Large", "", body)]).await;
    let error = send(&client(&server), &file).await.unwrap_err();
    assert!(error.to_string().contains("at most 8 bytes"), "{error}");
    assert!(error.advice().unwrap().contains("Send less at once"));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_what_was_announced_or_nothing() {
    for (after, words) in [(1024, Some("it became shorter while it was sent")), (LARGE + 9, None)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        File::create(&path).unwrap().set_len(LARGE).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let changed = OpenOptions::new().write(true).open(&path).unwrap();
        let service = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut piece = vec![0; 1 << 20];
            let mut read = connection.read(&mut piece).await.unwrap();
            // It has been opened, and for the most part not been read.
            changed.set_len(after).unwrap();
            while read < usize::try_from(LARGE).unwrap() {
                match connection.read(&mut piece).await {
                    Ok(0) | Err(_) => return read,
                    Ok(more) => read += more,
                }
            }
            let _ =
                connection.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
            read
        });
        let client = Client::builder().api_key(KEY).base_url(url).retries(0).build().unwrap();
        let sent = send(&client, &path).await;
        match words {
            Some(words) => {
                let error = sent.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
                assert!(error.to_string().contains(words), "{error}");
                assert!(service.await.unwrap() < usize::try_from(LARGE).unwrap());
            }
            None => sent.unwrap(),
        }
    }
}
