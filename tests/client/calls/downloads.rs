//! A download that is given up leaves nothing behind, whenever that is.

use std::future::Future;
use std::path::Path;
use std::task::{Context, Poll, Waker};

use onkernel::{Client, ErrorKind, Method};

use crate::scripted::{Act, Server, raw, response};

async fn download(client: &Client, path: &Path) -> onkernel::Result<u64> {
    client.request(Method::GET, "/file").download().await?.write_to_file(path).await
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_download_that_is_dropped_leaves_a_whole_file_or_none() {
    let mut whole = false;
    // After so many polls; after enough of them all is done.
    for polls in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.bin");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = Server::start([response("200 OK", "", "the bytes")]).await;
            let response = server.client().request(Method::GET, "/file").download().await.unwrap();
            let mut writing = Box::pin(response.write_to_file(&path));
            for _ in 0..polls {
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(written) = writing.as_mut().poll(&mut context) {
                    assert_eq!(written.unwrap(), 9);
                    whole = true;
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
        // It waits for the threads that have begun something.
        drop(runtime);
        match names(folder.path()).as_slice() {
            [] => assert!(!whole),
            [name] if name == "file.bin" => {
                assert_eq!(std::fs::read(&path).unwrap(), b"the bytes");
            }
            other => panic!("after {polls} polls: {other:?}"),
        }
        if whole {
            break;
        }
    }
}

#[tokio::test]
async fn a_download_that_breaks_off_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.bin");
    std::fs::write(&path, "before").unwrap();
    let cut = Act::Send(raw("HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n3\r\nabc\r\n5\r\nd"));
    let server = Server::start([cut]).await;
    let error = download(&server.client(), &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert_eq!(names(folder.path()), ["file.bin"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"before");

    let nowhere = folder.path().join("no/such/folder/file.bin");
    let server = Server::start([response("200 OK", "", "the bytes")]).await;
    let error = download(&server.client(), &nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
}
