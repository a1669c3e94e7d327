//! A way to the database that breaks: behind a request, before its response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Counts the requests that pass, over all connections, and cuts one off.
pub struct Proxy {
    pub url: String,
    passed: Arc<AtomicUsize>,
}

impl Proxy {
    /// The request of this number arrives, and its response does not. The server is the one in this
    /// address, of which only host and port are replaced.
    pub async fn cutting(number: usize, url: &str) -> Self {
        let (start, rest) = url.split_once('@').unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let passed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&passed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                tokio::spawn(pass(client, server, number, Arc::clone(&counted)));
            }
        });
        Self { url: format!("{start}@127.0.0.1:{port}/{path}"), passed }
    }

    pub fn passed(&self) -> usize {
        self.passed.load(SeqCst)
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    number: usize,
    passed: Arc<AtomicUsize>,
) {
    let (mut there, mut back) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut there) => {
                let Ok(read @ 1..) = read else { return };
                if server.write_all(&there[..read]).await.is_err() { return }
                if passed.fetch_add(1, SeqCst) == number {
                    // Its response begins, so it was done; nobody sees it.
                    let _ = server.read(&mut back).await;
                    return;
                }
            }
            read = server.read(&mut back) => {
                let Ok(read @ 1..) = read else { return };
                if client.write_all(&back[..read]).await.is_err() { return }
            }
        }
    }
}
