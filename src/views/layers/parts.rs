//! A frame's bytes, layer by layer: where each begins and ends, its fields, and what they say.

use std::ops::Range;

use crate::i18n::tr;
use crate::picture::Ink;
use crate::trace::Data;
use crate::trace::packet::{Arp, Ethernet, Frame, Icmp, Udp};

/// One layer's bytes in a frame.
pub(super) struct Part {
    pub(super) name: &'static str,
    /// Its layer in the OSI model, from 1.
    pub(super) osi: usize,
    /// Where they are in the frame.
    pub(super) bytes: Range<usize>,
    /// What is named under the bytes: where it is in this part, and its name.
    pub(super) fields: Vec<(Range<usize>, &'static str)>,
    /// What they say, in the field's terms.
    pub(super) reading: Vec<String>,
}

/// Payload has no fields: its characters stand under its bytes.
pub(super) const APPLICATION: usize = 7;

pub(super) fn ink(osi: usize) -> Ink {
    Ink::Of(match osi {
        2 => 0,
        3 => 1,
        4 => 2,
        _ => 4,
    })
}

/// What nobody below the programs looks into.
pub(super) fn payload_name() -> &'static str {
    tr!("payload")
}

/// The protocol above the network, as one says it.
pub(super) fn protocol(frame: &Frame) -> &'static str {
    let layers = &frame.layers;
    match () {
        () if layers.tcp.is_some() => "TCP",
        () if layers.udp.is_some() => "UDP",
        () if layers.icmp.is_some() => "ICMP",
        () if layers.arp.is_some() => "ARP",
        () => tr!("other"),
    }
}

/// What the short names under the bytes stand for, those of these parts.
pub(super) fn key(parts: &[Part]) -> String {
    let all = [
        (tr!("ve"), tr!("version and header length")),
        (tr!("ds"), tr!("service class")),
        (tr!("len"), tr!("length in all")),
        (tr!("id"), tr!("packet's number")),
        (tr!("frag"), tr!("fragments")),
        (tr!("tl"), tr!("TTL")),
        (tr!("pr"), tr!("protocol inside")),
        (tr!("sum"), tr!("checksum")),
        (tr!("seq"), tr!("number of the first byte")),
        (tr!("ack"), tr!("next byte expected")),
        (tr!("hl"), tr!("header length")),
        (tr!("fl"), tr!("flags")),
        (tr!("win"), tr!("window")),
        (tr!("urg"), tr!("urgent data")),
        (tr!(context "IPv6", "pr"), tr!("protocol inside")),
        (tr!("op"), tr!("operation")),
        (tr!("ty"), tr!("type")),
        (tr!("co"), tr!("code")),
    ];
    let occurs =
        |short: &str| parts.iter().flat_map(|part| &part.fields).any(|(_, name)| *name == short);
    let mut entries: Vec<String> = Vec::new();
    for (short, meaning) in all.into_iter().filter(|(short, _)| occurs(short)) {
        let entry = tr!("{short} = {meaning}", short, meaning);
        if short != meaning && !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries.join(tr!(", "))
}

/// The frame from its first byte to its last, layer by layer. Nothing is taken as given: a recording may say anything.
pub(super) fn parts(frame: &Frame) -> Vec<Part> {
    let (layers, all) = (&frame.layers, frame.raw.0.len());
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |name,
                   osi,
                   length: usize,
                   fields: &[(usize, usize, &'static str)],
                   reading: Vec<String>| {
        let from = parts.last().map_or(0, |part: &Part| part.bytes.end);
        let fields = fields
            .iter()
            .map(|(at, length, name)| (*at..at.saturating_add(*length), *name))
            .collect();
        parts.push(Part {
            name,
            osi,
            bytes: from..from.saturating_add(length).min(all),
            fields,
            reading,
        });
    };
    if let Some(ethernet) = &layers.ethernet {
        let inside = match ethernet.ether_type {
            0x0800 => tr!(": IPv4"),
            0x86dd => tr!(": IPv6"),
            0x0806 => tr!(": ARP"),
            _ => "",
        };
        let reading = vec![tr!(
            "type {kind}{inside}",
            kind = format_args!("{:04x}", ethernet.ether_type),
            inside
        )];
        let fields = [
            (0, 6, tr!(context "Ethernet", "to")),
            (6, 6, tr!(context "Ethernet", "from")),
            (12, 2, tr!("type")),
        ];
        add(tr!("Ethernet"), 2, Ethernet::BYTES, &fields, reading);
    }
    if let Some(arp) = &layers.arp {
        let reading = if arp.operation == 1 {
            vec![tr!("who has {ip}?", ip = arp.target_ip), tr!("tell {ip}", ip = arp.sender_ip)]
        } else {
            vec![tr!("{ip} is at", ip = arp.sender_ip), arp.sender_mac.to_string()]
        };
        let fields = [
            (6, 2, tr!("op")),
            (8, 6, tr!("sender's MAC")),
            (14, 4, tr!("its IP")),
            (18, 6, tr!("target's MAC")),
            (24, 4, tr!("its IP")),
        ];
        add("ARP", 2, Arp::BYTES, &fields, reading);
    }
    if let Some(ip) = &layers.ip {
        let inside = protocol(frame);
        let mut reading = vec![
            format!("{} → {}", ip.src, ip.dst),
            tr!("protocol {number}: {inside}", number = ip.protocol, inside),
        ];
        reading.push(tr!("length {bytes}", bytes = ip.total_bytes));
        reading.push(format!(
            "{} {}",
            if ip.src.is_ipv4() { "TTL" } else { tr!("hop limit") },
            ip.ttl
        ));
        if ip.src.is_ipv4() {
            let options = (20, ip.header_bytes.saturating_sub(20), tr!("options"));
            let fields = [
                (0, 1, tr!("ve")),
                (1, 1, tr!("ds")),
                (2, 2, tr!("len")),
                (4, 2, tr!("id")),
                (6, 2, tr!("frag")),
                (8, 1, tr!("tl")),
                (9, 1, tr!("pr")),
                (10, 2, tr!("sum")),
                (12, 4, tr!("from")),
                (16, 4, tr!("to")),
                options,
            ];
            add("IPv4", 3, ip.header_bytes, &fields, reading);
        } else {
            let fields = [
                (4, 2, tr!("len")),
                (6, 1, tr!(context "IPv6", "pr")),
                (8, 16, tr!("from")),
                (24, 16, tr!("to")),
            ];
            add("IPv6", 3, ip.header_bytes, &fields, reading);
        }
    }
    if let Some(tcp) = &layers.tcp {
        let mut reading = vec![
            tr!("port {from} → {to}", from = tcp.src_port, to = tcp.dst_port),
            tr!("seq {seq}", seq = tcp.seq),
        ];
        if tcp.flags.ack() {
            reading.push(tr!("ack {ack}", ack = tcp.ack));
        }
        reading.push(tr!("flags {flags}", flags = tcp.flags));
        let options = (20, tcp.header_bytes.saturating_sub(20), tr!("options"));
        let ports = [(0, 2, tr!("port")), (2, 2, tr!("port"))];
        let fields = [
            (4, 4, tr!("seq")),
            (8, 4, tr!("ack")),
            (12, 1, tr!("hl")),
            (13, 1, tr!("fl")),
            (14, 2, tr!("win")),
            (16, 2, tr!("sum")),
            (18, 2, tr!("urg")),
            options,
        ];
        add("TCP", 4, tcp.header_bytes, &[&ports[..], &fields].concat(), reading);
    } else if let Some(udp) = &layers.udp {
        let reading = vec![
            tr!("port {from} → {to}", from = udp.src_port, to = udp.dst_port),
            tr!(context "UDP", "length {bytes}", bytes = Udp::BYTES.saturating_add(layers.payload_bytes)),
        ];
        let ports = [(0, 2, tr!("port")), (2, 2, tr!("port"))];
        let fields = [(4, 2, tr!("len")), (6, 2, tr!("sum"))];
        add("UDP", 4, Udp::BYTES, &[ports, fields].concat(), reading);
    } else if let Some(icmp) = &layers.icmp {
        let reading = vec![tr!("type {kind} code {code}", kind = icmp.kind, code = icmp.code)];
        add(
            "ICMP",
            3,
            Icmp::BYTES,
            &[(0, 1, tr!("ty")), (1, 1, tr!("co")), (2, 2, tr!("sum"))],
            reading,
        );
    }
    let from = parts.last().map_or(0, |part| part.bytes.end);
    if layers.payload_bytes > 0 && from < all {
        let bytes = from..from.saturating_add(layers.payload_bytes).min(all);
        // What an ICMP message carries is still the network's.
        let osi = if layers.icmp.is_some() { 3 } else { APPLICATION };
        let reading = vec![Data::of(&frame.raw.0[bytes.clone()]).to_string()];
        parts.push(Part { name: payload_name(), osi, bytes, fields: Vec::new(), reading });
    }
    parts.retain(|part| !part.bytes.is_empty());
    parts
}
