//! A program written from the description of the surface alone, by somebody who does not know the
//! code: it compiles with the dependencies that the README says to add, and runs against the embedded
//! server as far as that goes.

use std::fs;

use onkernel::testing::Server;

use crate::outside::{Outside, root};
use crate::readme::dependencies;

const PROGRAM: &str = include_str!("contract/program.rs");

#[test]
fn a_program_by_the_description_compiles_and_runs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let outside = Outside::new(&dependencies(&readme));
    outside.write("src/main.rs", PROGRAM);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let server = Server::start().await.unwrap();
        server.add_project("proj_2", "Two");
        server
    });
    let output = outside
        .run(&[("KERNEL_BASE_URL", server.url()), ("KERNEL_API_KEY", server.bootstrap_key())]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "all done\n");
}
