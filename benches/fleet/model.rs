//! The same fleet as a discrete-event model, for sizes that the real code takes hours for. What it is
//! made of is read from `simulate`, and its results are held against that at the sizes that both can do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Milliseconds.
type Time = u64;

/// How many requests are sent together in each round trip of a rotation; the second creates.
const ROUND_TRIPS: [u32; 7] = [4, 1, 4, 1, 4, 1, 1];
const CREATES: usize = 1;
/// What looks for a key whose creation was rejected, and what settles it at the end.
const LOOK: u32 = 1;
const SETTLE: u32 = 3;
/// What the database takes in each of them.
const STATEMENTS: Time = 10;
const LATENCY: Time = 50;
const RETRY_AFTER: Time = 1000;
/// Between two looks at what other workers were told.
const LISTEN: Time = 500;
const AT_A_TIME: usize = 4;

/// How often a worker that gives up lists the keys twice.
const ATTEMPTS: u64 = 3;
const A_SECOND: f64 = 100.0;

/// Keys, workers that list them, those of them that the simulation left with work, and the client's
/// timeout in seconds; then a hundred thousand keys.
pub const KNOWN: [(usize, usize, usize, usize); 5] = [
    (1000, 16, 16, 60),
    (10_000, 16, 7, 60),
    (10_000, 16, 1, 5),
    (100_000, 16, 6, 60),
    (100_000, 16, 16, 60),
];

pub fn run(sizes: &[(usize, usize, usize, usize)]) {
    println!(
        "\n## modelled: workers of 4 at a time, {LATENCY} ms a response, {STATEMENTS} ms of statements a round trip, {A_SECOND} requests a second\n"
    );
    println!(
        "| keys | list | work | timeout s | seconds | of the bound | served a key | rejected a key | settled % |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for &(keys, listing, workers, timeout) in sizes {
        let (keys, listing) = (keys as u64, listing as u64);
        let settles = 2000 * timeout as Time;
        let outcome = Model { keys, listing, workers, settles }.run();
        let each = |total: u64| total as f64 / keys as f64;
        let bound = keys as f64 * f64::from(ROUND_TRIPS.iter().sum::<u32>()) / A_SECOND;
        println!(
            "| {keys} | {listing} | {workers} | {timeout} | {:.0} | {:.3} | {:.2} | {:.2} | {:.1} |",
            outcome.seconds,
            outcome.seconds / bound,
            each(outcome.served),
            each(outcome.rejected),
            100.0 * each(outcome.settled),
        );
    }
}

struct Model {
    keys: u64,
    /// Those that list the keys, and those of them that can work afterwards.
    listing: u64,
    workers: usize,
    /// How long a creation with an unknown outcome is waited for.
    settles: Time,
}

#[derive(Debug, Default)]
struct Outcome {
    seconds: f64,
    served: u64,
    rejected: u64,
    settled: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Sends { slot: usize },
    Responds { slot: usize, allowed: bool },
    Listens { worker: usize },
}

/// One rotation at a time.
#[derive(Clone, Default)]
struct Slot {
    round_trip: usize,
    /// Requests of this round trip without a response.
    open: u32,
    /// Until when its rejected creation may show.
    unsettled: Option<Time>,
    settling: bool,
    over: bool,
}

struct Run<'a> {
    model: &'a Model,
    events: BinaryHeap<Reverse<(Time, u64, Happens)>>,
    order: u64,
    slots: Vec<Slot>,
    held: Vec<Time>,
    heard: Vec<Time>,
    shared: Time,
    tokens: (f64, Time),
    /// Requests for lists, which those that give up go on with.
    lists: u64,
    left: u64,
    under_way: u64,
    outcome: Outcome,
}

impl Model {
    fn run(&self) -> Outcome {
        // All list first, and nobody is done much sooner than the others.
        let pages = 2 * self.keys.div_ceil(100);
        let first = self.listing * pages;
        let begins = (first as f64 / A_SECOND * 1000.0) as Time;
        let gave_up = self.listing - self.workers as u64;
        let mut run = Run {
            model: self,
            events: BinaryHeap::new(),
            order: 0,
            slots: vec![Slot::default(); self.workers * AT_A_TIME],
            held: vec![0; self.workers],
            heard: vec![0; self.workers],
            shared: 0,
            tokens: (A_SECOND, begins),
            lists: gave_up * (ATTEMPTS - 1) * pages,
            left: self.keys,
            under_way: 0,
            outcome: Outcome { served: first, ..Outcome::default() },
        };
        for slot in 0..run.slots.len() {
            run.begin(slot, begins);
        }
        for worker in 0..self.workers {
            run.add(
                begins + LISTEN * worker as Time / self.workers as Time,
                Happens::Listens { worker },
            );
        }
        let mut end = begins;
        while let Some(Reverse((now, _, happens))) = run.events.pop() {
            if run.under_way == 0 {
                break;
            }
            end = now;
            run.happens(now, happens);
        }
        run.outcome.seconds = end as f64 / 1000.0;
        run.outcome
    }
}

impl Run<'_> {
    fn add(&mut self, at: Time, happens: Happens) {
        self.order += 1;
        self.events.push(Reverse((at, self.order, happens)));
    }

    fn begin(&mut self, slot: usize, now: Time) {
        if self.left == 0 {
            self.slots[slot].over = true;
            return;
        }
        self.left -= 1;
        self.under_way += 1;
        self.slots[slot] = Slot::default();
        self.sends(slot, ROUND_TRIPS[0], now + STATEMENTS);
    }

    fn sends(&mut self, slot: usize, requests: u32, at: Time) {
        self.slots[slot].open = requests;
        (0..requests).for_each(|_| self.add(at, Happens::Sends { slot }));
    }

    /// A bucket of tokens, as in `limit.rs`; those that only list take theirs as they find them.
    fn allows(&mut self, now: Time) -> bool {
        let (mut tokens, since) = self.tokens;
        let more = (now - since) as f64 / 1000.0 * A_SECOND;
        tokens = (tokens + more).min(A_SECOND);
        let lists = self.lists.min((more / 2.0) as u64);
        self.lists -= lists;
        self.outcome.served += lists;
        tokens -= lists as f64;
        let allows = tokens >= 1.0;
        if allows {
            tokens -= 1.0;
        }
        self.tokens = (tokens, now);
        allows
    }

    fn happens(&mut self, now: Time, happens: Happens) {
        match happens {
            Happens::Sends { slot } => {
                let held = self.held[slot / AT_A_TIME];
                if held > now {
                    return self.add(held, happens);
                }
                let allowed = self.allows(now);
                self.add(now + LATENCY, Happens::Responds { slot, allowed });
            }
            Happens::Responds { slot, allowed: false } => self.rejected(slot, now),
            Happens::Responds { slot, .. } => {
                self.outcome.served += 1;
                self.slots[slot].open -= 1;
                if self.slots[slot].open == 0 {
                    self.goes_on(slot, now);
                }
            }
            Happens::Listens { worker } => {
                if self.held[worker] > self.heard[worker] + LISTEN / 2 && self.held[worker] > now {
                    self.shared = self.shared.max(self.held[worker]);
                }
                self.held[worker] = self.held[worker].max(self.shared);
                self.heard[worker] = self.held[worker];
                self.add(now + LISTEN, happens);
            }
        }
    }

    fn rejected(&mut self, slot: usize, now: Time) {
        self.outcome.rejected += 1;
        let held = &mut self.held[slot / AT_A_TIME];
        *held = (*held).max(now + RETRY_AFTER);
        let it = &mut self.slots[slot];
        if it.round_trip == CREATES && it.open == 1 && !it.settling {
            it.unsettled = Some(now + self.model.settles);
            // Looked for, and then created again.
            it.open += LOOK;
            self.add(now, Happens::Sends { slot });
        }
        self.add(now + RETRY_AFTER, Happens::Sends { slot });
    }

    fn goes_on(&mut self, slot: usize, now: Time) {
        let it = &mut self.slots[slot];
        it.round_trip += 1;
        match (ROUND_TRIPS.get(it.round_trip), it.unsettled.take()) {
            (Some(requests), unsettled) => {
                it.unsettled = unsettled;
                self.sends(slot, *requests, now + STATEMENTS);
            }
            (None, Some(until)) => {
                it.settling = true;
                self.outcome.settled += 1;
                self.sends(slot, SETTLE, until.max(now));
            }
            (None, None) => {
                self.under_way -= 1;
                self.begin(slot, now + STATEMENTS);
            }
        }
    }
}
