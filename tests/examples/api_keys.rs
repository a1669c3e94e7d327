//! The examples about keys, against the embedded server.

use onkernel::Client;
use onkernel::testing::{NewKey, Server};

#[path = "../../examples/keys.rs"]
mod keys;
#[path = "../../examples/rotate_file.rs"]
mod rotate_file;
#[path = "../../examples/service.rs"]
mod service;

fn client(server: &Server) -> Client {
    Client::builder().base_url(server.url()).api_key(server.bootstrap_key()).build().unwrap()
}

#[tokio::test]
async fn a_key_is_made_listed_and_deleted() {
    let server = Server::start().await.unwrap();
    keys::run(&client(&server)).await.unwrap();
    let made = server.keys().pop().unwrap();
    assert!(made.name == "example" && made.deleted_at.is_some());
}

#[tokio::test]
async fn a_file_gets_another_key_each_time() {
    let server = Server::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let key = server.add_key(NewKey::named("ci").days(30));
    std::fs::write(&file, key.plaintext()).unwrap();
    for _ in 0..2 {
        let before = std::fs::read_to_string(&file).unwrap();
        let report = rotate_file::run(&client(&server), &file).await.unwrap();
        let after = std::fs::read_to_string(&file).unwrap();
        assert_ne!(before, after);
        assert_eq!(server.key_by_plaintext(&after).map(|key| key.id), report.new_id);
        assert!(server.authenticates(&before), "the old key has a day");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_in_a_hundred_rotations() {
    service::run(100).await.unwrap();
}
