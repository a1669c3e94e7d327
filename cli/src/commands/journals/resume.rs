//! `resume`: finishes or undoes interrupted rotations.

use onkernel::rotation::{
    Decision, JournalAt, Pending, Resolution, RotationExt, RotationReport, Stop,
};

use crate::args::{Global, Resume};
use crate::client;
use crate::failure::Failure;
use crate::output::text::safe;
use crate::output::{Format, Output};
use crate::rotation::journals::{Kept, Unfinished};
use crate::rotation::note::Note;
use crate::rotation::progress::Progress;
use crate::rotation::resolutions::ResumeCommand;
use crate::rotation::{events, report};
use crate::signals::Signals;
use crate::stores::name::StoreName;

pub(in crate::commands) async fn run(
    args: Resume,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let kept = Kept::opened(args.journal.as_deref(), args.lease).await?;
    kept.files_left().iter().for_each(|left| output.note(left));
    let selected = select(&args, &kept).await?;
    let (signals, stop) = (Signals::listen()?, Stop::new());
    let progress = Progress::new(output);
    let command = ResumeCommand::new(global, args.journal.as_deref());
    let resuming = Resuming {
        args: &args,
        kept: &kept,
        global,
        progress: &progress,
        stop: &stop,
        command: &command,
        output,
    };
    let work = async {
        let (mut reports, mut failures) = (Vec::new(), Vec::new());
        for selected in &selected {
            match resuming.one(selected).await {
                Ok(None) => {}
                Ok(Some(report)) => {
                    if events::are_wanted(output) {
                        events::ended(output, &report.store, &report);
                    } else if !output.is_json() {
                        report::report_print_error(output, report::print(output, &report));
                    }
                    failures.extend(report::is_settled(&report, &command).err());
                    reports.push(report);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if output.format() == Format::Json {
            report::report_print_error(output, output.print_json(&reports));
        } else if reports.is_empty() && failures.is_empty() {
            output.note("Nothing is left to do.");
        }
        Failure::all(failures)
    };
    match signals.stoppable(&stop, || progress.note(report::STOPPING), work).await {
        Some(done) => done,
        None => Err(report::dropped(&kept, &command)),
    }
}

/// A rotation to resume.
enum Selected {
    Journal(JournalAt, Unfinished),
    /// The store that a person has named, and its journal, which knows of no rotation.
    Lost(JournalAt, StoreName),
}

/// The rotations that the options select.
async fn select(args: &Resume, kept: &Kept) -> Result<Vec<Selected>, Failure> {
    let unfinished = kept.unfinished().await?;
    let Some(store) = &args.store else {
        if args.resolves() && unfinished.len() > 1 {
            let stores = unfinished.iter().filter_map(|(_, pending)| pending.as_ref().ok());
            let stores: Vec<_> = stores.map(|pending| pending.store.as_str()).collect();
            let count = unfinished.len();
            let problem =
                format!("{count} rotations are unfinished, and these options resolve one");
            return Err(Failure::usage(problem)
                .advise(format!("Choose one of these with --store: {}", stores.join(", "))));
        }
        return Ok(unfinished.into_iter().map(|(path, it)| Selected::Journal(path, it)).collect());
    };
    let own = kept.of_named(store)?;
    if let Some(own) = &own {
        let pending = own.pending().await.map_err(|error| Failure::attention(error.to_string()));
        if let Some(pending) = pending.transpose() {
            return Ok(vec![Selected::Journal(own.clone(), pending)]);
        }
    }
    // A store that has moved: its rotation has the old name, where there is nothing any more.
    let moved = unfinished.into_iter().filter(|(_, pending)| {
        let store = pending.as_ref().ok().map(|pending| pending.store.parse::<StoreName>());
        store.is_some_and(|store| store.is_ok_and(|store| !store.exists()))
    });
    let moved: Vec<_> = moved.map(|(path, it)| Selected::Journal(path, it)).collect();
    match own {
        _ if !moved.is_empty() => Ok(moved),
        Some(own) => Ok(vec![Selected::Lost(own, store.clone())]),
        None => Err(Failure::usage(store.open().err().unwrap_or_default())),
    }
}

/// What all resumed rotations have in common.
struct Resuming<'a> {
    args: &'a Resume,
    kept: &'a Kept,
    global: &'a Global,
    progress: &'a Progress,
    stop: &'a Stop,
    command: &'a ResumeCommand,
    output: &'a Output,
}

impl Resuming<'_> {
    /// Finishes or undoes one rotation.
    async fn one(&self, selected: &Selected) -> Result<Option<RotationReport>, Failure> {
        let (journal, pending) = match selected {
            Selected::Lost(journal, store) => {
                return self.run(journal, Note::of_lost_journal(store.clone())).await;
            }
            Selected::Journal(journal, Ok(pending)) => (journal, pending),
            Selected::Journal(journal, Err(failure)) => {
                let advice = format!(
                    "Restore {} from a backup; or remove it, then run: kernel-keys resume --store STORE",
                    journal
                );
                return Err(Failure::attention(failure.message()).advise(advice));
            }
        };
        let named = self.args.store.is_some();
        if let Some(why) = self.kept.left_alone(pending).filter(|_| !named) {
            self.progress.note(&safe(&why));
            return Ok(None);
        }
        self.progress.note(&format!("{}, {}:", safe(&pending.name), safe(&pending.store)));
        let resumed = self.run(journal, self.note(journal, pending)?).await;
        resumed.map_err(|failure| failure.explain(|why| format!("{}: {why}", pending.store)))
    }

    /// How the rotation was requested.
    fn note(&self, journal: &JournalAt, pending: &Pending) -> Result<Note, Failure> {
        let note = serde_json::from_value(pending.note.clone()).ok();
        let note = note.or_else(|| self.args.store.clone().map(Note::of_lost_journal));
        note.ok_or_else(|| {
            Failure::attention(format!("another program wrote the journal {}", journal))
                .advise("Resume it with that program, or run: kernel-keys resume --store STORE")
        })
    }

    async fn run(
        &self,
        journal: &JournalAt,
        mut note: Note,
    ) -> Result<Option<RotationReport>, Failure> {
        let args = self.args;
        if self.stop.is_requested() {
            return Err(Failure::attention("stopped before this rotation was resumed"));
        }
        note.update(args);
        let store = note.store.clone();
        let mut resume = client::build(self.global)?.resume(journal.clone()).stop_on(self.stop);
        if args.give_up {
            // Neither the store nor a hook is needed, and either may be what stands in the way.
            resume = resume.give_up();
        } else {
            let cannot = |why: String, resolutions: &[Resolution]| {
                report::cannot_resume(why, &store, resolutions, self.command)
            };
            let moved = [Resolution::Retry, Resolution::Adopt, Resolution::GiveUp];
            let opened = store.open().map_err(|why| cannot(why, &moved))?;
            let hooks =
                [Resolution::Deploy, Resolution::Deployed, Resolution::Verify, Resolution::GiveUp];
            resume =
                resume.shared_store(opened).on_event(self.progress.watch(&store.to_string(), None));
            resume = note.apply_to_resume(resume).map_err(|why| cannot(why, &hooks))?;
        }
        if args.store.is_some() {
            resume = resume.adopt();
        }
        if args.deployed {
            resume = resume.deployed();
        }
        if let Some(held) = args.store_holds {
            resume = resume.store_holds(held.into());
        }
        if args.changes_the_request() {
            resume = resume.note(note.to_json().map_err(Failure::new)?);
        }
        // Whatever the reason, the rotation is not finished.
        let resumed = resume.run().await;
        resumed.map_err(|error| {
            if events::are_wanted(self.output) {
                events::failed(self.output, &store.to_string(), &error);
            }
            let failure = report::failure(&error, Some(&store), self.command);
            // Whoever is at it will say how it ended.
            if error.decision() == Some(Decision::UnderWay) {
                return failure;
            }
            let failure = failure.into_attention();
            let ways = [Resolution::Retry, Resolution::GiveUp];
            failure.or_resolved_by(|| self.command.resolve(&store, &ways))
        })
    }
}
