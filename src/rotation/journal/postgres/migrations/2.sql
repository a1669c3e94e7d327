-- A fleet at work: one row a run, which its workers share.
create table kernel_keys.runs (
    id bigint generated always as identity primary key,
    fleet text not null,
    server text not null,
    selects text not null,
    began timestamptz not null default clock_timestamp(),
    -- It lives until then if no worker renews it.
    until timestamptz not null,
    failures integer not null default 0,
    -- Its first worker has said which keys there are.
    offered boolean not null default false,
    over boolean not null default false
);
create unique index runs_live on kernel_keys.runs (fleet) where not over;
create table kernel_keys.workers (
    name text primary key,
    run bigint not null references kernel_keys.runs (id) on delete cascade,
    until timestamptz not null
);
-- A key has one row, whichever fleet picks it, so it is rotated once.
create table kernel_keys.tasks (
    server text not null,
    key_id text not null,
    run bigint not null references kernel_keys.runs (id) on delete cascade,
    name text not null,
    store text not null,
    journal text not null,
    -- The host that the store belongs to, if to one.
    host text,
    state text not null default 'waiting'
        check (state in ('waiting', 'taken', 'rotated', 'failed')),
    worker text,
    -- Which of its worker's requests took it.
    claim bigint,
    again boolean not null default false,
    -- Not before then.
    later timestamptz,
    -- The key that its rotation has made.
    new_id text,
    why text,
    changed timestamptz not null default clock_timestamp(),
    primary key (server, key_id)
);
create index tasks_of_run on kernel_keys.tasks (run, state, again desc, key_id);
create index tasks_made on kernel_keys.tasks (server, new_id) where new_id is not null;
create index tasks_of_journal on kernel_keys.tasks (server, journal);
-- How long the server wants to be left alone.
create table kernel_keys.limits (
    server text primary key,
    until timestamptz not null
);
