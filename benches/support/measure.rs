//! Two ways of doing one thing, in turn: other load on the machine meets both alike.

use std::alloc::System;
use std::future::Future;
use std::time::Instant;

use cpu_time::ProcessTime;
use futures_util::{StreamExt, stream};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// For `#[global_allocator]`.
pub static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one call costs this process.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub cpu_us: f64,
    pub wall_us: f64,
    pub allocations: f64,
    pub bytes: f64,
}

/// Makes a number of calls, so many at a time, and says what each cost.
pub async fn cost<F: Future<Output = ()>>(
    calls: usize,
    at_a_time: usize,
    call: impl Fn() -> F,
) -> Cost {
    let region = Region::new(ALLOCATOR);
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    stream::iter(0..calls).map(|_| call()).buffer_unordered(at_a_time).collect::<()>().await;
    let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
    let heap = region.change();
    let each = |total: f64| total / calls as f64;
    Cost {
        cpu_us: each(cpu.as_secs_f64() * 1e6),
        wall_us: each(wall.as_secs_f64() * 1e6),
        allocations: each((heap.allocations + heap.reallocations) as f64),
        bytes: each(heap.bytes_allocated as f64),
    }
}

/// The median of a figure.
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
