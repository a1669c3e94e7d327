//! What a certificate has to show, in each of libpq's modes.

use onkernel::rotation::PostgresJournals;

use crate::database::Database;

#[tokio::test]
async fn a_certificate_is_held_to_the_mode() {
    let Some(database) = Database::fresh() else { return };
    let Ok(authority) = std::env::var("ONKERNEL_REAL_POSTGRES_AUTHORITY") else {
        println!("skipped: ONKERNEL_REAL_POSTGRES_AUTHORITY names no authority");
        return;
    };
    database.ready().await;
    let by_name = database.direct.replace("127.0.0.1", "localhost");
    let ours = format!("sslrootcert={authority}");
    for (address, more, fits) in [
        (&database.direct, "sslmode=disable", true),
        (&database.direct, "sslmode=prefer", true),
        (&database.direct, "sslmode=require", true),
        // The operating system knows no such authority.
        (&database.direct, "sslmode=verify-ca", false),
        (&database.direct, &format!("sslmode=verify-ca&{ours}"), true),
        (&database.direct, &format!("sslmode=require&{ours}"), true),
        (&database.direct, &format!("sslmode=verify-full&{ours}"), false),
        (&by_name, &format!("sslmode=verify-full&{ours}"), true),
        (&by_name, "sslmode=verify-full", false),
    ] {
        let journals = PostgresJournals::new(&format!("{address}?{more}")).unwrap();
        let unfinished = journals.unfinished().await;
        assert_eq!(unfinished.is_ok(), fits, "{address}?{more}: {unfinished:?}");
    }
}
