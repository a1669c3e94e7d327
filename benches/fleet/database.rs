//! What the database was asked, by its own statistics.

use std::net::SocketAddr;

use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

/// A connection beside those that are measured.
pub struct Database {
    client: Client,
    config: Config,
}

/// A kind of statement.
pub struct Statement {
    pub text: String,
    pub calls: i64,
    pub plan_ms: f64,
    pub run_ms: f64,
}

/// A table.
pub struct Table {
    pub name: String,
    pub inserted: i64,
    pub updated: i64,
    /// Of these: without a new entry in any index.
    pub hot: i64,
    pub deleted: i64,
    /// With its indexes.
    pub bytes: i64,
}

impl Database {
    /// Connects, and begins with nothing.
    pub async fn connect(url: &str) -> Self {
        let config: Config = url.parse().unwrap();
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let begin = "drop schema if exists kernel_keys cascade;
            drop schema if exists virtual cascade;
            alter role current_user reset search_path;
            create extension if not exists pg_stat_statements;
            select pg_stat_statements_reset(), pg_stat_reset()";
        client.batch_execute(begin).await.unwrap();
        Self { client, config }
    }

    pub async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    pub fn address(&self) -> SocketAddr {
        let [Host::Tcp(host), ..] = self.config.get_hosts() else { panic!("an address") };
        SocketAddr::new(host.parse().unwrap(), self.config.get_ports()[0])
    }

    /// Its address for a worker, which may lead elsewhere.
    pub fn url_at(&self, address: SocketAddr) -> String {
        let user = self.config.get_user().unwrap();
        let password = std::str::from_utf8(self.config.get_password().unwrap()).unwrap();
        let name = self.config.get_dbname().unwrap();
        format!("postgres://{user}:{password}@{address}/{name}?sslmode=disable")
    }

    /// How much it has written ahead so far, in bytes.
    pub async fn written(&self) -> i64 {
        let sql = "select (pg_current_wal_insert_lsn() - '0/0')::int8";
        self.client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Returns when nobody else is connected: until then a session may keep its figures to itself.
    pub async fn is_left(&self) {
        let sql = "select count(*) from pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_backend_pid()";
        while self.client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// The kinds of statements that workers have sent, by the time that they took.
    pub async fn statements(&self) -> Vec<Statement> {
        let sql = "select query, calls, total_plan_time, total_exec_time from pg_stat_statements
            where query ilike '%kernel_keys.%' and query not ilike 'drop%' and query not ilike 'do %'
            order by total_plan_time + total_exec_time desc";
        let rows = self.client.query(sql, &[]).await.unwrap();
        let statement = |row: &tokio_postgres::Row| Statement {
            text: row.get::<_, String>(0).split_whitespace().collect::<Vec<_>>().join(" "),
            calls: row.get(1),
            plan_ms: row.get(2),
            run_ms: row.get(3),
        };
        rows.iter().map(statement).collect()
    }

    pub async fn tables(&self) -> Vec<Table> {
        let sql = "select relname::text, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del,
                pg_total_relation_size(relid)
            from pg_stat_user_tables where schemaname = 'kernel_keys' and relname <> 'schema'
            order by pg_total_relation_size(relid) desc";
        let rows = self.client.query(sql, &[]).await.unwrap();
        let table = |row: &tokio_postgres::Row| Table {
            name: row.get(0),
            inserted: row.get(1),
            updated: row.get(2),
            hot: row.get(3),
            deleted: row.get(4),
            bytes: row.get(5),
        };
        rows.iter().map(table).collect()
    }
}
