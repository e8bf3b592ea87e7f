//! The link between several networks, at work on a real kernel: plain programs in their own processes, each in a network of its own.
//!
//! It has a main of its own: without arguments it runs itself once for each scene, for the networks have to be laid before a
//! process has threads, and itself again as each program of a scene.

use std::process::{Command, ExitCode, Output};

mod programs;
mod scenes;

use scenes::{SCENES, Verdict};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["program", name, ..] => match programs::run(name, &args[2..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{name}: {error}");
                ExitCode::FAILURE
            }
        },
        ["scene", name] => {
            let scene = SCENES.iter().find(|scene| scene.name == *name).expect("a scene");
            let verdict = scenes::perform(scene);
            println!("{verdict}");
            ExitCode::from(u8::from(matches!(verdict, Verdict::Failed(_))))
        }
        _ => {
            let all: Vec<bool> = SCENES.iter().map(|scene| holds(scene.name)).collect();
            let places = [unprivileged(), without_the_node()];
            ExitCode::from(u8::from(all.into_iter().chain(places).any(|held| !held)))
        }
    }
}

fn this() -> Command {
    Command::new(std::env::current_exe().expect("this program"))
}

fn holds(name: &str) -> bool {
    let output = this().args(["scene", name]).output().expect("this program runs");
    println!("{name} ... {}", said(&output));
    output.status.success()
}

/// What a scene printed.
fn said(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).trim_end().to_owned()
}

/// Runs the first scene after this script, in a mount namespace of its own; `None` where that is not allowed.
fn after(script: &str) -> Option<Output> {
    let run = |rest: &[&str]| {
        let script = format!("{script} \"$0\" \"$@\"");
        Command::new("unshare").args(["-m", "sh", "-ec", &script]).args(rest).output()
    };
    if !run(&["true"]).is_ok_and(|output| output.status.success()) {
        return None;
    }
    let this = std::env::current_exe().expect("this program");
    run(&[&*this.to_string_lossy(), "scene", SCENES[0].name]).ok()
}

/// Somebody without any privilege, who may open the device.
fn unprivileged() -> bool {
    let node = "mount -t tmpfs none /dev/net; mknod -m 666 /dev/net/tun c 10 200";
    let user = "exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs";
    let Some(output) = after(&format!("{node}; {user}")) else {
        println!("as nobody ... not checked: this needs root, unshare and setpriv");
        return true;
    };
    println!("as nobody ... {}", said(&output));
    output.status.success()
}

/// Where the device is missing, the reason says what would help.
fn without_the_node() -> bool {
    let Some(output) = after("mount -t tmpfs none /dev/net; exec") else {
        println!("without /dev/net/tun ... not checked: this needs root and unshare");
        return true;
    };
    let said = said(&output);
    let held = said.contains("open /dev/net/tun: ENOENT") && said.contains("sudo modprobe tun");
    println!("without /dev/net/tun ... {}", if held { "ok" } else { &said });
    held
}
