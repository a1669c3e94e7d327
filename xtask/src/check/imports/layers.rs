//! The directions: in each folder, what may import what.
//!
//! A row is a file (without `.rs`) or a folder. It may import the rows below it, never those above.
//! The files `lib.rs`, `main.rs` and `mod.rs` of the folder itself stand above all rows.

/// Where these tables are.
pub(super) const TABLE: &str = "xtask/src/check/imports/layers.rs";

/// The order of one folder.
#[derive(Debug)]
pub(super) struct Layers {
    /// From the workspace's folder.
    pub(super) folder: &'static str,
    /// From top to bottom.
    pub(super) rows: &'static [&'static str],
    /// Rows that import no other and that no other imports.
    pub(super) apart: &'static [&'static str],
}

/// The packages: every file below one of these folders is read.
pub(super) const PACKAGES: [&str; 5] = ["src", "codegen/src", "cli/src", "lambda/src", "xtask/src"];

/// The tables.
pub(super) const LAYERS: &[Layers] = &[
    Layers {
        folder: "src",
        rows: &[
            "rotation",
            "helpers",
            "generated",
            "client",
            "paging",
            "send",
            "connection",
            "request",
            "response",
            "error",
            "model",
        ],
        // So that the server and the client can only be wrong separately.
        apart: &["testing"],
    },
    Layers {
        folder: "src/rotation",
        rows: &[
            "fleet",
            "builder",
            "begin",
            "resume",
            "once",
            "steps",
            "lost",
            "older",
            "store_test",
            "sweep",
            "engine",
            "site",
            "settings",
            "journal",
            "plan",
            "evidence",
            "listing",
            "api",
            "effects",
            "report",
            "store",
            "system",
        ],
        apart: &[],
    },
    Layers {
        folder: "codegen/src",
        rows: &[
            "diff",
            "contract",
            "pipeline",
            "files",
            "outline",
            "exercise",
            "signatures",
            "finish",
            "generate",
            "needs",
            "features",
            "lower",
            "surface",
            "overlay",
            "document",
            "openapi",
            "error",
        ],
        apart: &[],
    },
    Layers {
        folder: "cli/src",
        rows: &[
            "commands", "rotation", "client", "args", "settings", "stores", "program", "signals",
            "ask", "failure", "logging", "output",
        ],
        apart: &[],
    },
    Layers { folder: "lambda/src", rows: &["handler", "settings", "log", "event"], apart: &[] },
    Layers {
        folder: "xtask/src",
        rows: &[
            "command",
            "dist",
            "check",
            "args",
            "pictures",
            "regen",
            "merge",
            "yaml",
            "tree",
            "fetch",
            "snapshots",
            "changelog",
            "provenance",
            "files",
            "error",
        ],
        apart: &[],
    },
];
