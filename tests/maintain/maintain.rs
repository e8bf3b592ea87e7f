//! What maintainers run: `cargo run --example maintain`, and one of the words below.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use socket_explorer::capture::child::Request;
use socket_explorer::commands::run::shown_in_course;
use socket_explorer::experiments;

mod catalogues;
mod pictures;
mod recordings;

const USAGE: &str = "maintain recordings: make the recordings of lessons/ anew, on a machine that can run every experiment
maintain pictures [--run]: draw docs/pictures anew from the recordings that are kept; --run runs their experiments anew too
maintain catalogues: bring src/i18n/po up to date with the sentences that the program says";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    // Each run is a process of its own: this program, started again.
    if let Some(Ok(request)) = Request::from_args(args.clone()) {
        return experiments::serve(request);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words: Vec<_> = args.iter().skip(1).map(String::as_str).collect();
    let made = match words.as_slice() {
        ["recordings"] => recordings::make(&root.join("lessons")),
        ["pictures"] => draw_pictures(&root.join("docs/pictures"), false),
        ["pictures", "--run"] => draw_pictures(&root.join("docs/pictures"), true),
        ["catalogues"] => update_catalogues(),
        _ => Err(USAGE.into()),
    };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Draws the pictures of the documents; an experiment without a recording, or each if asked for, is run first.
fn draw_pictures(folder: &Path, run: bool) -> Result<(), Box<dyn Error>> {
    for (name, file) in pictures::recorded_here(folder).filter(|(_, file)| run || !file.exists()) {
        let experiment = experiments::find(name).ok_or(name)?;
        let settings = shown_in_course(experiment)?.settings;
        recordings::write(&file, &recordings::record(experiment, &settings)?)?;
    }
    for (file, svg) in pictures::draw_all(folder)? {
        fs::write(folder.join(file), svg)?;
    }
    Ok(())
}

fn update_catalogues() -> Result<(), Box<dyn Error>> {
    for (path, _, updated) in catalogues::all() {
        fs::write(path, updated)?;
    }
    Ok(())
}
