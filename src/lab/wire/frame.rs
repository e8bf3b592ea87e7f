//! Bytes become layers. Whatever the bytes are, the answer is layers as far as they make sense, and why no further.

use std::net::IpAddr;

use etherparse::{IpNumber, LaxNetSlice, LaxSlicedPacket, LinkSlice, TcpHeaderSlice, TcpOptionElement, TransportSlice, UdpHeaderSlice};

use crate::event::frame::{Arp, Ethernet, Flags, Icmp, Ip, Layers, Mac, Tcp, TcpOption, Udp};

/// What is in these bytes, which begin with an Ethernet header.
#[must_use]
pub fn decode(bytes: &[u8]) -> Layers {
    let mut layers = Layers::default();
    let packet = match LaxSlicedPacket::from_ethernet(bytes) {
        Ok(packet) => packet,
        Err(error) => return Layers { payload_bytes: bytes.len(), malformed: Some(error.to_string()), ..layers },
    };
    layers.malformed = packet.stop_err.as_ref().map(|(error, _)| error.to_string());
    if let Some(LinkSlice::Ethernet2(link)) = &packet.link {
        layers.ethernet = Some(Ethernet { src: Mac(link.source()), dst: Mac(link.destination()), ether_type: link.ether_type().0 });
        layers.payload_bytes = bytes.len().saturating_sub(Ethernet::BYTES);
    }
    match &packet.net {
        Some(LaxNetSlice::Arp(arp)) => match arp.to_packet().try_eth_ipv4() {
            Ok(arp) => {
                layers.arp = Some(Arp {
                    operation: arp.operation.0,
                    sender_mac: Mac(arp.sender_mac),
                    sender_ip: IpAddr::from(arp.sender_ipv4),
                    target_mac: Mac(arp.target_mac),
                    target_ip: IpAddr::from(arp.target_ipv4),
                });
                layers.payload_bytes = 0;
            }
            Err(_) => layers.malformed = Some("ARP for something other than Ethernet and IPv4".to_owned()),
        },
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let (offset, payload) = (u32::from(header.fragments_offset().value()) * 8, ip.payload());
            let fragment = header.is_fragmenting_payload();
            layers.ip = Some(Ip {
                src: header.source_addr().into(),
                dst: header.destination_addr().into(),
                header_bytes: header.slice().len(),
                total_bytes: header.total_len().into(),
                ttl: header.ttl(),
                protocol: header.protocol().0,
                id: Some(header.identification()),
                fragment_at: fragment.then_some(offset),
            });
            layers.payload_bytes = payload.payload.len();
            if fragment && offset == 0 {
                first_fragment(&mut layers, payload.ip_number, payload.payload);
            }
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let (header, payload) = (ip.header(), ip.payload());
            let extensions = ip.extensions().slice().len();
            layers.ip = Some(Ip {
                src: header.source_addr().into(),
                dst: header.destination_addr().into(),
                header_bytes: header.slice().len() + extensions,
                total_bytes: header.slice().len() + usize::from(header.payload_length()),
                ttl: header.hop_limit(),
                protocol: payload.ip_number.0,
                id: None,
                fragment_at: None,
            });
            layers.payload_bytes = payload.payload.len();
        }
        None => {}
    }
    match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            if let Ok(header) = TcpHeaderSlice::from_slice(tcp.header_slice()) {
                layers.tcp = Some(segment(&header));
                layers.payload_bytes = tcp.payload().len();
            }
        }
        Some(TransportSlice::Udp(udp)) => {
            layers.udp = Some(Udp { src_port: udp.source_port(), dst_port: udp.destination_port() });
            layers.payload_bytes = udp.payload().len();
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            let (kind, body) = (icmp.type_u8(), icmp.slice().get(Icmp::BYTES..).unwrap_or_default());
            let about = complains(kind).then(|| ports_of(body)).flatten();
            layers.icmp = Some(Icmp { kind, code: icmp.code_u8(), about });
            layers.payload_bytes = body.len();
        }
        _ => {}
    }
    layers
}

/// True for the ICMP messages that carry the head of the packet they complain of (RFC 792).
pub(super) fn complains(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// The two ports of an IPv4 packet of which the start is here.
fn ports_of(packet: &[u8]) -> Option<(u16, u16)> {
    let header = usize::from(packet.first()? & 15) * 4;
    match (packet.get(9)?, packet.get(header..header + 4)?) {
        (6 | 17, &[a, b, c, d]) => Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))),
        _ => None,
    }
}

/// The first of several fragments has the transport's header, though not all of what follows it.
fn first_fragment(layers: &mut Layers, protocol: IpNumber, payload: &[u8]) {
    let header_bytes = match protocol {
        IpNumber::UDP => UdpHeaderSlice::from_slice(payload).map_or(0, |udp| {
            layers.udp = Some(Udp { src_port: udp.source_port(), dst_port: udp.destination_port() });
            Udp::BYTES
        }),
        IpNumber::TCP => TcpHeaderSlice::from_slice(payload).map_or(0, |tcp| {
            layers.tcp = Some(segment(&tcp));
            tcp.slice().len()
        }),
        _ => 0,
    };
    layers.payload_bytes -= header_bytes;
}

fn segment(tcp: &TcpHeaderSlice) -> Tcp {
    Tcp {
        src_port: tcp.source_port(),
        dst_port: tcp.destination_port(),
        flags: Flags(tcp.slice().get(13).copied().unwrap_or(0)),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        window: tcp.window_size(),
        header_bytes: tcp.slice().len(),
        options: tcp
            .options_iterator()
            .filter_map(|option| match option {
                Ok(TcpOptionElement::Noop) => None,
                Ok(TcpOptionElement::MaximumSegmentSize(bytes)) => Some(TcpOption::Mss(bytes)),
                Ok(TcpOptionElement::WindowScale(bits)) => Some(TcpOption::WindowScale(bits)),
                Ok(TcpOptionElement::SelectiveAcknowledgementPermitted) => Some(TcpOption::SackPermitted),
                Ok(TcpOptionElement::SelectiveAcknowledgement(block, more)) => {
                    Some(TcpOption::Sack([block].into_iter().chain(more.into_iter().flatten()).collect()))
                }
                Ok(TcpOptionElement::Timestamp(own, echo)) => Some(TcpOption::Timestamps(own, echo)),
                Err(error) => Some(TcpOption::Malformed(error.to_string())),
            })
            .collect(),
    }
}
