-- A journal: who has it, until when by the database's clock, and how many records it has.
create table kernel_keys.journals (
    name text primary key,
    owner text not null,
    epoch bigint not null,
    until timestamptz,
    open boolean not null default false,
    seq integer not null default 0,
    changed timestamptz not null default clock_timestamp()
);
create index journals_open on kernel_keys.journals (name) where open;
-- Its records, as the lines of a journal in a file.
create table kernel_keys.records (
    journal text not null references kernel_keys.journals (name) on delete cascade,
    seq integer not null,
    epoch bigint not null,
    owner text not null,
    line text not null,
    primary key (journal, seq)
);
