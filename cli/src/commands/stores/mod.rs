//! `stores`: the kinds of stores and presets, with what each can do.

pub(super) mod test;

use std::time::Duration;

use crate::failure::Failure;
use crate::output::Output;
use crate::output::style::Tint;
use crate::output::table::{Cell, Fit, Layout, Table};
use crate::output::time::within;
use crate::stores::kinds::{self, Kind};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let kinds = kinds::all().map_err(Failure::new)?;
    if output.is_json() {
        return Ok(output.print_each(&kinds)?);
    }
    let mut table = Table::new([
        ("STORE", Fit::Whole),
        ("READS BACK", Fit::Spare),
        ("COMPARES AND SWAPS", Fit::Spare),
        ("SHARED", Fit::Spare),
        ("SHOWS WITHIN", Fit::Spare),
        ("WORKLOAD SEES IT", Fit::Spare),
        ("PROGRAM", Fit::Spare),
        ("TRIED WITH", Fit::SpareCut),
    ]);
    kinds.iter().for_each(|kind| table.row(row(kind)));
    output.print(&table.render(output.width(), output.style()))?;
    let left_out = table.left_out(&table.layout(output.width(), &Layout::default()));
    if !left_out.is_empty() {
        output
            .note(&format!("Not shown for lack of width: {}.", left_out.join(", ").to_lowercase()));
    }
    output.note("A preset's vendor and its needs are in --json and in docs/stores/presets.md.");
    Ok(())
}

fn row(kind: &Kind) -> [Cell; 8] {
    let word = |known: Option<bool>| match known {
        Some(true) => Cell::new("yes"),
        Some(false) => Cell::new("no"),
        None => Cell::tinted(Tint::Faint, "its file says"),
    };
    let program = match (&kind.program, kind.installed) {
        (Some(program), Some(false)) => Cell::tinted(Tint::Faint, format!("{program} (missing)")),
        (program, _) => Cell::new(program.as_deref().unwrap_or_default()),
    };
    let tried = match &kind.tried {
        Some(tried) => Cell::new(tried),
        None if kind.preset => Cell::tinted(Tint::Bad, "untried"),
        None => Cell::new(""),
    };
    [
        Cell::new(&kind.store),
        word(kind.readable),
        word(Some(kind.compare_and_swap)),
        word(kind.shared),
        match kind.propagation {
            Some(seconds) => Cell::new(within(Duration::from_secs_f64(seconds))),
            None => word(None),
        },
        match kind.takes_effect {
            Some(when) => Cell::new(when.to_string()),
            None => word(None),
        },
        program,
        tried,
    ]
}
