//! Networks for programs of which nobody knows what they do: one for each, connected by a switch.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

use super::network::{device, refused};
use super::switch::Switch;
use super::{INTERFACE, Rules, Wire};
use crate::capture::Recorder;
use crate::capture::sys::{self, Missing};
use crate::trace::{Name, SetupStep};

/// Where names of hosts are looked up first (hosts(5)).
const HOSTS: &str = "/etc/hosts";

/// A network for each program, with the devices of the link between them.
#[derive(Debug)]
pub struct Networks {
    /// One for each program, in their order.
    pub hosts: Vec<Host>,
    /// Why the programs cannot find each other by name, if they cannot.
    pub unnamed: Option<Missing>,
    devices: Vec<File>,
}

/// A private network, with one program in it.
#[derive(Debug)]
pub struct Host {
    /// The program.
    pub program: Name,
    /// The address of its network: 10.9.0.2 for the first program, 10.9.0.3 for the second, and so on.
    pub address: Ipv4Addr,
    network: File,
}

impl Networks {
    /// How many there can be: 10.9.0.2 to 10.9.0.254.
    pub const MOST: usize = 253;

    /// So many frames are recorded: of full ones, 30 MB. What comes later is forwarded, and counted ([`Wire::left_out`]).
    pub const MOST_FRAMES: u64 = 20_000;

    /// Creates a network for each of these programs, at most [`Networks::MOST`], and gives their names to `/etc/hosts` as they
    /// will see it. It moves the process into the last of them, so call it before any thread starts.
    ///
    /// # Errors
    /// The step that the system refused.
    pub fn lay(programs: &[Name]) -> Result<Networks, Missing> {
        let mut hosts = Vec::new();
        let mut devices = Vec::new();
        for (number, program) in (2..=254).zip(programs) {
            let address = Ipv4Addr::new(10, 9, 0, number);
            sys::enter_private_network()?;
            let through = Socket::new(Domain::IPV4, Type::DGRAM, None)
                .map_err(refused(SetupStep::OpenSocket))?;
            sys::raise_interface(&through, "lo").map_err(refused(SetupStep::RaiseLoopback))?;
            devices.push(device(&through, address)?);
            let network = sys::open_network().map_err(refused(SetupStep::OpenNetwork))?;
            hosts.push(Host { program: program.clone(), address, network });
        }
        let names = fs::read_to_string(HOSTS).unwrap_or_default();
        let covered = sys::cover_file(HOSTS, &(host_lines(&hosts) + &names));
        let unnamed = covered.err().map(refused(SetupStep::CoverHosts));
        Ok(Networks { hosts, unnamed, devices })
    }

    /// Starts the link between them; `fail` is told why it had to stop. At most [`Networks::MOST_FRAMES`] are recorded, and none is
    /// kept in memory, so [`Wire::seen`] has none.
    pub fn connect(
        &mut self,
        recorder: &Arc<Recorder>,
        rules: Rules,
        fail: impl FnOnce(&io::Error) + Send + 'static,
    ) -> io::Result<Wire> {
        let hosts = self.hosts.iter().map(|host| (host.program.clone(), host.address)).collect();
        let devices = std::mem::take(&mut self.devices);
        Wire::connect(
            recorder,
            devices,
            Box::new(Switch::new(hosts)),
            rules,
            Some(Self::MOST_FRAMES),
            fail,
        )
    }
}

impl Host {
    /// Moves the calling thread into this network. It makes one system call and allocates nothing, so a child may call it
    /// between fork(2) and execve(2).
    ///
    /// # Errors
    /// Those of setns(2): `EPERM` without the capabilities that [`Networks::lay`] has given the process.
    pub fn enter(&self) -> io::Result<()> {
        sys::enter_network(&self.network)
    }

    /// Frames that its device dropped when its queue was full; `None` where that is not known.
    #[must_use]
    pub fn frames_without_room(&self) -> Option<u64> {
        let look = || self.enter().ok().and_then(|()| sys::frames_without_room(INTERFACE));
        thread::scope(|scope| {
            let started = thread::Builder::new().spawn_scoped(scope, look).ok()?;
            started.join().ok().flatten()
        })
    }

    /// The name by which the other programs find it: its program's, in lower case, with `-` for what stands in no host's name.
    #[must_use]
    pub fn name(&self) -> String {
        let letter = |letter: char| match letter.to_ascii_lowercase() {
            usual if usual.is_ascii_alphanumeric() || "-_.".contains(usual) => usual,
            _ => '-',
        };
        let name: String = self.program.chars().map(letter).collect();
        name.trim_matches(['-', '.']).to_owned()
    }
}

/// Their lines of `/etc/hosts`.
fn host_lines(hosts: &[Host]) -> String {
    let named = hosts.iter().map(|host| (host.address, host.name()));
    let named = named.filter(|(_, name)| !name.is_empty() && name != "localhost");
    named.map(|(address, name)| format!("{address} {name}\n")).collect()
}
