//! Uploads of real files: of any size, and of each the server keeps the beginning.

use std::fs::File;

use onkernel::testing::Server;
use onkernel::{Client, Upload};

use crate::support::server;

const LARGE: u64 = 48 * 1024 * 1024;
const KEPT: usize = 64 * 1024;

fn client(server: &Server) -> Client {
    Client::builder().api_key(server.bootstrap_key()).base_url(server.url()).build().unwrap()
}

#[tokio::test]
async fn a_large_file_is_taken_and_its_beginning_kept() {
    let (server, _) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    File::create(&file).unwrap().set_len(LARGE).unwrap();

    let files = client(&server).browsers().fs();
    files.write_file("b_1", "/tmp/large", Upload::file(&file)).send().await.unwrap();
    let received = &server.received("browsers.fs.write_file")[0];
    assert_eq!((received.size, received.body.as_str().unwrap().len()), (LARGE, KEPT));
    assert_eq!(received.parameters["path"], "/tmp/large");
}

#[tokio::test]
async fn a_form_with_a_large_file_is_read_to_its_last_part() {
    let (server, _) = server().await;
    let file = Upload::bytes(vec![b'x'; LARGE as usize]).file_name("app.zip");
    let deployments = client(&server).deployments();
    let call = deployments.create().file(file).entrypoint_rel_path("main.ts").version("v1");
    call.send().await.unwrap();
    let received = &server.received("deployments.create")[0];
    assert!(received.size > LARGE);
    assert_eq!(received.body["entrypoint_rel_path"], "main.ts");
    assert_eq!(received.body["version"], "v1");
    let kept = received.body["file"].as_str().unwrap();
    assert!(kept.len() <= KEPT && kept.bytes().all(|byte| byte == b'x'), "{}", kept.len());
}
