//! Decodes a frame into layers, as far as the bytes make sense, with the reason where they stop.

use std::net::IpAddr;

use etherparse::{
    IpNumber, LaxNetSlice, LaxSlicedPacket, LinkSlice, TcpHeaderSlice, TcpOptionElement,
    TransportSlice, UdpHeaderSlice,
};

use crate::trace::packet::{Arp, Ethernet, Flags, Icmp, Ip, Layers, Mac, Tcp, TcpOption, Udp};

/// Decodes bytes that begin with an Ethernet header.
pub fn decode(bytes: &[u8]) -> Layers {
    let mut layers = Layers::default();
    let packet = match LaxSlicedPacket::from_ethernet(bytes) {
        Ok(packet) => packet,
        Err(error) => {
            return Layers {
                payload_bytes: bytes.len(),
                malformed: Some(error.to_string()),
                ..layers
            };
        }
    };
    layers.malformed = packet.stop_err.as_ref().map(|(error, _)| error.to_string());
    if let Some(LinkSlice::Ethernet2(link)) = &packet.link {
        layers.ethernet = Some(Ethernet {
            src: Mac(link.source()),
            dst: Mac(link.destination()),
            ether_type: link.ether_type().0,
        });
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
            Err(_) => {
                layers.malformed = Some("ARP for something other than Ethernet and IPv4".to_owned())
            }
        },
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let (offset, payload) =
                (u32::from(header.fragments_offset().value()) * 8, ip.payload());
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
            layers.udp =
                Some(Udp { src_port: udp.source_port(), dst_port: udp.destination_port() });
            layers.payload_bytes = udp.payload().len();
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            let (kind, body) =
                (icmp.type_u8(), icmp.slice().get(Icmp::BYTES..).unwrap_or_default());
            let about = is_icmp_error(kind).then(|| ports_of(body)).flatten();
            layers.icmp = Some(Icmp { kind, code: icmp.code_u8(), about });
            layers.payload_bytes = body.len();
        }
        _ => {}
    }
    layers
}

/// Whether this ICMP type is an error, which quotes the beginning of the packet that caused it (RFC 792).
pub(super) fn is_icmp_error(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// The two ports of an IPv4 packet of which only the beginning may be here.
fn ports_of(packet: &[u8]) -> Option<(u16, u16)> {
    let header = usize::from(packet.first()? & 15) * 4;
    match (packet.get(9)?, packet.get(header..header + 4)?) {
        (6 | 17, &[a, b, c, d]) => Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))),
        _ => None,
    }
}

/// Decodes the transport header of a first fragment, which etherparse leaves alone.
fn first_fragment(layers: &mut Layers, protocol: IpNumber, payload: &[u8]) {
    let header_bytes = match protocol {
        IpNumber::UDP => UdpHeaderSlice::from_slice(payload).map_or(0, |udp| {
            layers.udp =
                Some(Udp { src_port: udp.source_port(), dst_port: udp.destination_port() });
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
                Ok(TcpOptionElement::SelectiveAcknowledgementPermitted) => {
                    Some(TcpOption::SackPermitted)
                }
                Ok(TcpOptionElement::SelectiveAcknowledgement(block, more)) => {
                    Some(TcpOption::Sack(
                        [block].into_iter().chain(more.into_iter().flatten()).collect(),
                    ))
                }
                Ok(TcpOptionElement::Timestamp(own, echo)) => {
                    Some(TcpOption::Timestamps(own, echo))
                }
                Err(error) => Some(TcpOption::Malformed(error.to_string())),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A SYN of this program's own, from 10.9.0.1:37936 to 10.9.0.2:42039, checksums left out.
    fn syn() -> Vec<u8> {
        let mut bytes = vec![2, 0, 10, 9, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        bytes.extend([0x45, 0, 0, 60, 1, 2, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2]);
        bytes.extend([
            0x94, 0x30, 0xa4, 0x37, 0x56, 0x61, 0x2f, 0xfd, 0, 0, 0, 0, 0xa0, 0x02, 0xfa, 0xf0, 0,
            0, 0, 0,
        ]);
        bytes.extend([2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 10]);
        bytes
    }

    #[test]
    fn a_syn_is_told_in_full() {
        let layers = decode(&syn());
        assert_eq!(
            layers.to_string(),
            "IP 10.9.0.1.37936 > 10.9.0.2.42039: Flags [S], seq 1449209853, win 64240, \
             options [mss 1460,sackOK,TS val 9 ecr 0,wscale 10], length 0"
        );
        assert_eq!((layers.malformed, layers.payload_bytes), (None, 0));
        assert_eq!(layers.ip.map(|ip| (ip.header_bytes, ip.id)), Some((20, Some(0x0102))));
    }

    #[test]
    fn a_frame_that_is_cut_short_says_so_at_every_length() {
        let whole = syn();
        for length in 0..whole.len() {
            let layers = decode(&whole[..length]);
            assert!(layers.malformed.is_some(), "{length} bytes: {layers:?}");
            assert_eq!(layers.ethernet.is_some(), length >= Ethernet::BYTES);
        }
    }

    #[test]
    fn fragments_are_told_as_fragments() {
        let mut first = syn();
        first.truncate(14 + 20);
        first[14 + 6] = 0x20; // more of them come
        first[14 + 9] = 17;
        first[14 + 3] = 20 + 16;
        first.extend([0, 7, 0, 9, 5, 0xdc, 0, 0]);
        first.extend([b'x'; 8]);
        let layers = decode(&first);
        assert_eq!(layers.udp, Some(Udp { src_port: 7, dst_port: 9 }), "{layers:?}");
        assert_eq!((layers.payload_bytes, layers.ip.and_then(|ip| ip.fragment_at)), (8, Some(0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the bytes are, there are layers, no more payload than bytes, and a line of text and of JSON that reads back.
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            sound(&bytes)?;
        }

        /// The same, for what begins like a frame of ours: that gets further in.
        #[test]
        fn no_damage_is_too_strange(
            damage in prop::collection::vec((0_usize..74, any::<u8>()), 0..12),
            protocol in prop::sample::select(vec![0_u8, 1, 2, 6, 17, 44, 50, 51, 58]),
            ether_type in prop::sample::select(vec![[8_u8, 0], [8, 6], [0x86, 0xdd], [0x81, 0], [0x88, 0xe5]]),
            length in 0_usize..120,
        ) {
            let mut bytes = syn();
            bytes[23] = protocol;
            bytes[12..14].copy_from_slice(&ether_type);
            for (at, byte) in damage {
                bytes[at] = byte;
            }
            bytes.resize(length, 0x5a);
            sound(&bytes)?;
        }
    }

    fn sound(bytes: &[u8]) -> Result<(), TestCaseError> {
        let layers = decode(bytes);
        prop_assert!(layers.payload_bytes <= bytes.len());
        prop_assert!(!layers.to_string().is_empty());
        let text = serde_json::to_string(&layers)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let back: Layers = serde_json::from_str(&text)
            .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(back, layers);
        Ok(())
    }
}
