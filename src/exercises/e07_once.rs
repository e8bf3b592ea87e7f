//! Exercise 7: a client that pays once, through a wire that loses a SYN, and is then cut.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use socket2::{Domain, Type};

use super::kit::{LOOK, exits_with_0, has_printed, require};
use crate::capture::link::{Syn, first};
use crate::capture::{
    Actor, Interest, Lab, Network, Program, Proof, Result, Socket, TO_START, at_least, eq,
    ne_between, yes_or_no,
};
use crate::experiments::judge;
use crate::trace::{Data, Label, label};

/// A client is to try again after a second: one that has not in this time does not.
const TO_TRY_AGAIN: Duration = Duration::from_secs(10);

judge!(pay_once, network = Network::Wire);
/// The learner's client pays at our server, through a wire that we disturb.
fn pay_once(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let mut bank = Bank::open(lab)?;

    lab.part("the first SYN is lost");
    wire.drop(first(Syn));
    let mut client = bank.client(lab, "10\n20\n30\n")?;
    let first = bank.order(&client, TO_START)?;
    let explanation =
        label!("client should have connected though the first SYN was lost; it did not");
    let connects = yes_or_no("connected", bank.is_connected(), true).explained(explanation);
    require(lab, "connects-though-a-syn-is-lost", connects)?;
    require(lab, "sends-a-payment", first.is_of(10))?;
    bank.pay(&first);

    lab.part("the wire is cut before the answer");
    let second = bank.order(&client, TO_TRY_AGAIN)?;
    let another = ne_between(
        "the first number",
        Data::of(first.number()),
        "the second",
        Data::of(second.number()),
    )
    .explained(label!(
        "the second payment should have a number of its own; it has that of the first"
    ));
    require(lab, "goes-on-with-another-number", second.is_of(20).and(another))?;
    wire.cut();
    let before = wire.seen(Syn).len();
    bank.pay(&second); // the answer does not arrive
    let syns = || wire.seen(Syn).len() - before;
    let began = Instant::now();
    while syns() == 0 && client.exit().is_none() && began.elapsed() < TO_TRY_AGAIN {
        let _ = client.until_ended(LOOK);
    }
    let explanation =
        label!("no answer came, so client should have connected again; it sent no SYN within 10 s");
    let again = at_least("SYNs since the wire was cut", syns(), 1).explained(explanation);
    require(lab, "tries-again", again)?;

    lab.part("the wire is whole again");
    wire.plug_in();
    let again = bank.any_order(&client, TO_TRY_AGAIN)?;
    let same = again.is_that_of(&second);
    bank.pay(&again);
    let paid = bank.paid.len();
    let explanation = label!("two payments should have been made; {paid} were", paid);
    require(lab, "pays-once", same.and(eq("payments", paid, 2).explained(explanation)))?;

    lab.part("a reset");
    let third = bank.order(&client, TO_TRY_AGAIN)?;
    bank.reset()?; // it is not paid
    let again = bank.order(&client, TO_TRY_AGAIN)?;
    let same = again.is_that_of(&third);
    require(lab, "tries-again-after-a-reset", third.is_of(30).and(same))?;
    bank.pay(&again);
    bank.order(&client, TO_TRY_AGAIN)?; // there is none; our server closes when the client does
    let exit = client.until_ended(LOOK);
    let printed = Data::of(&client.finish());
    lab.claim("prints-each-balance", has_printed("client", printed, b"90\n70\n40\n"));
    lab.claim("exits-with-0", exits_with_0("client", exit.as_ref()));

    lab.part("another run");
    let client = bank.client(lab, "10\n")?;
    let other = bank.any_order(&client, TO_START)?;
    let is_known = bank.paid.contains_key(other.number());
    let explanation =
        label!("another run should have used new numbers; this one was used in the first run");
    let number = yes_or_no("a number of the first run", is_known, false).explained(explanation);
    lab.claim("another-run-has-other-numbers", other.is_of(10).and(number));
    Ok(())
}

/// What a client sends: a number, and how much is to be paid.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Order(Vec<u8>);

impl Order {
    fn number(&self) -> &[u8] {
        self.0.split(|byte| *byte == b' ').next().unwrap_or_default()
    }

    fn amount(&self) -> i64 {
        let words = String::from_utf8_lossy(&self.0);
        words.trim().split_once(' ').and_then(|(_, amount)| amount.parse().ok()).unwrap_or(0)
    }

    /// It is well formed, and for this amount.
    fn is_of(&self, amount: i64) -> Proof {
        let number = String::from_utf8_lossy(self.number()).trim().to_owned();
        let number = if number.is_empty() { "NUMBER" } else { &number };
        let wanted = format!("{number} {amount}\n");
        self.was_to_be(label!("what it sends"), wanted.as_bytes())
    }

    /// It is this one, sent again.
    fn is_that_of(&self, first: &Order) -> Proof {
        self.was_to_be(label!("what it sends again"), &first.0)
    }

    fn was_to_be(&self, what: Label, wanted: &[u8]) -> Proof {
        let (sent, wanted) = (Data::of(&self.0), Data::of(wanted));
        let explanation = {
            let (sent, wanted) = (sent.clone(), wanted.clone());
            match sent.bytes {
                0 => label!("client should have sent {wanted}; it sent nothing", wanted),
                _ => label!("client should have sent {wanted}; it sent {sent}", wanted, sent),
            }
        };
        eq(what, sent, wanted).explained(explanation)
    }
}

/// Our server: it pays each number once, and answers each time.
struct Bank {
    us: Actor,
    listener: Socket,
    port: u16,
    connection: Option<Socket>,
    /// Numbers with the balance that was answered.
    paid: BTreeMap<Vec<u8>, i64>,
    /// The orders that were paid.
    orders: BTreeSet<Order>,
    balance: i64,
}

impl Bank {
    fn open(lab: &Lab) -> Result<Bank> {
        let us = lab.actor("our server");
        let listener = us.socket(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&lab.near(0))?;
        listener.listen(5)?;
        let port = listener.local_addr()?.as_socket().map_or(0, |at| at.port());
        let (paid, orders) = (BTreeMap::new(), BTreeSet::new());
        Ok(Bank { us, listener, port, connection: None, paid, orders, balance: 100 })
    }

    fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// The learner's client, with this input. It finds our server at the far end of the wire.
    fn client(&mut self, lab: &Lab, input: &str) -> Result<Program> {
        self.connection = None;
        let at = lab.far(self.port).as_socket().map_or_else(String::new, |at| at.ip().to_string());
        let mut client = lab.program("client", &[at, self.port.to_string()])?;
        client.type_line(input);
        client.end_input();
        Ok(client)
    }

    /// The next order. One that was paid may come again at any time, if the client had not waited for the answer: it is answered
    /// again.
    fn order(&mut self, client: &Program, limit: Duration) -> Result<Order> {
        loop {
            let order = self.any_order(client, limit)?;
            if !self.orders.contains(&order) {
                return Ok(order);
            }
            self.pay(&order);
        }
    }

    /// The next line of the client, over the connection that it has made last; what has come of it if it ends, or is silent for so
    /// long.
    fn any_order(&mut self, client: &Program, limit: Duration) -> Result<Order> {
        let (mut line, began) = (Vec::new(), Instant::now());
        while !line.ends_with(b"\n") && began.elapsed() < limit {
            let mut watched = vec![(&self.listener, Interest::Read)];
            watched.extend(self.connection.as_ref().map(|it| (it, Interest::Read)));
            let ready = self.us.poll(&watched, Some(LOOK))?;
            if ready.has_socket(&self.listener) {
                self.connection = Some(self.listener.accept()?.0); // it has given up the other
                line.clear();
                continue;
            }
            let readable = self.connection.as_ref().filter(|it| ready.has_socket(it));
            let Some(connection) = readable else {
                if client.exit().is_some() {
                    break;
                }
                continue;
            };
            let mut buffer = [0; 100];
            match connection.recv(&mut buffer) {
                Ok(got @ 1..) => line.extend_from_slice(&buffer[..got]),
                _ => self.connection = None,
            }
        }
        Ok(Order(line))
    }

    /// Pays, unless this number has been paid, and answers.
    fn pay(&mut self, order: &Order) {
        let left = self.balance - order.amount();
        let balance = *self.paid.entry(order.number().to_vec()).or_insert(left);
        self.balance = balance.min(self.balance);
        let answer = [order.number(), b" ", balance.to_string().as_bytes(), b"\n"].concat();
        self.orders.insert(order.clone());
        if let Some(connection) = &self.connection {
            let _ = connection.send_all(&answer); // it may have given up
        }
    }

    /// Breaks the connection off.
    fn reset(&mut self) -> Result<()> {
        if let Some(connection) = self.connection.take() {
            connection.set_linger(Some(Duration::ZERO))?; // close() sends an RST
            connection.close()?;
        }
        Ok(())
    }
}
